"""JPEG files without their Huffman codes: taken apart exactly, coefficients coded by context mixing, put together again."""

from geo3d_compression.jpeg.file import JpegFile as JpegFile
from geo3d_compression.jpeg.file import Plane as Plane
from geo3d_compression.jpeg.file import parse as parse
from geo3d_compression.jpeg.file import rebuild as rebuild
