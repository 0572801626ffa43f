"""The `.g3c` container: named items, checked chunks, one table in front (see `layout`)."""

from geo3d_compression.container.layout import Chunk as Chunk
from geo3d_compression.container.layout import ChunkType as ChunkType
from geo3d_compression.container.layout import Item as Item
from geo3d_compression.container.reader import Container as Container
from geo3d_compression.container.writer import ContainerWriter as ContainerWriter
