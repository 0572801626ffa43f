"""One depth frame's voxels as the frame, exactly: planes of depth by pixel, in half the bytes of an octree.

voxels --camera, pixel grid--> picture of planes --depth codec--> bytes
                           --> where rays leave voxels  ----------> bytes
"""

from geo3d_compression.pinhole.codec import decode as decode
from geo3d_compression.pinhole.codec import encode as encode
from geo3d_compression.pinhole.codec import is_pinhole as is_pinhole
