"""Octree-latent geometry codec: lossless voxels in, chunks of bytes out, one prefix a level."""

from geo3d_compression.octree.codec import Profile as Profile
from geo3d_compression.octree.codec import count_parents as count_parents
from geo3d_compression.octree.codec import decode as decode
from geo3d_compression.octree.codec import encode as encode
from geo3d_compression.octree.codec import model_id as model_id
from geo3d_compression.octree.sensor import Sensor as Sensor
from geo3d_compression.octree.sensor import find_sensor as find_sensor
