"""Lossless volumes: integers and floats of any bit depth, 3-D and 4-D, in independently decodable groups of slices.

    voxels --patterns--> integers --alphabet--> ranks --groups of slices--> kernel --> one chunk a group

`codec` is the entry: `encode_volume` adds a volume to a container, `decode_volume` reads it, or some of its slices.
"""

from geo3d_compression.volume.codec import VolumeOptions as VolumeOptions
from geo3d_compression.volume.codec import decode_volume as decode_volume
from geo3d_compression.volume.codec import encode_volume as encode_volume
