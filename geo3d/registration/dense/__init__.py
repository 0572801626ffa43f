"""Dense, projective registration of RGB-D frames: image pyramids, alignment, two-way consistency."""

from geo3d.registration.dense.align import Alignment as Alignment
from geo3d.registration.dense.align import align as align
from geo3d.registration.dense.maps import FrameMaps as FrameMaps
from geo3d.registration.dense.maps import frame_maps as frame_maps
