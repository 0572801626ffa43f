"""JPEG files taken apart exactly, their coefficients coded by context mixing, and put together again."""

from geo3d_compression.jpeg.file import JpegFile as JpegFile
from geo3d_compression.jpeg.file import Plane as Plane
from geo3d_compression.jpeg.file import parse as parse
from geo3d_compression.jpeg.file import rebuild as rebuild
