"""Depth pictures and sequences: the sensor's own steps, validity, and the picture before as it looks from here.

pictures --steps--> ranks --groups of pictures--> kernel (contexts: neighbours, warped picture) --> chunks
"""

from geo3d_compression.depth.codec import DepthOptions as DepthOptions
from geo3d_compression.depth.codec import decode_depth as decode_depth
from geo3d_compression.depth.codec import encode_depth as encode_depth
