"""The point-cloud codec: a grid, tiles, octree geometry, attributes."""

from geo3d_compression.cloud.decode import CloudView as CloudView
from geo3d_compression.cloud.decode import decode_cloud as decode_cloud
from geo3d_compression.cloud.encode import CloudReport as CloudReport
from geo3d_compression.cloud.encode import encode_cloud as encode_cloud
from geo3d_compression.cloud.options import CloudOptions as CloudOptions
