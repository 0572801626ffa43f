"""Volumes on disk: NIfTI, DICOM folders, NRRD, NumPy arrays and TIFF stacks."""

from geo3d.io.volumes.registry import VOLUME_FORMATS as VOLUME_FORMATS
from geo3d.io.volumes.registry import read_volume as read_volume
from geo3d.io.volumes.registry import write_volume as write_volume
from geo3d.io.volumes.volume import Volume as Volume
from geo3d.io.volumes.volume import VolumeFormat as VolumeFormat
