"""Bundles of the front end (`geo3d.bundle`) as containers."""

from __future__ import annotations

from pathlib import Path

from geo3d.bundle import Bundle
from geo3d.errors import BitstreamError
from geo3d.types import PointCloud
from geo3d_compression import octree
from geo3d_compression.cloud import CloudOptions, decode_cloud, encode_cloud
from geo3d_compression.codecs.array import ArrayCodec, add_array, read_array
from geo3d_compression.codecs.cloud import CloudCodec, need_model
from geo3d_compression.codecs.file import FileCodec, add_file, read_file
from geo3d_compression.container import Container, ContainerWriter, Item


def write(path: Path, bundle: Bundle) -> int:
    """Write a bundle; bytes of the file.  Clouds have integer coordinates."""
    with ContainerWriter() as writer:
        for name, data in bundle.files.items():
            add_file(writer, name, data)
        for name, array in bundle.arrays.items():
            add_array(writer, name, array)
        for name, cloud in bundle.clouds.items():
            _add_cloud(writer, name, cloud)
        return writer.write(path)


def read(path: Path) -> Bundle:
    """The bundle in a file; items of other kinds are left out."""
    clouds, arrays, files = {}, {}, {}
    with Container(path) as container:
        for number, item in enumerate(container.items):
            if item.codec == CloudCodec.number:
                need_model(item)
                clouds[item.name] = decode_cloud(container, number)
            elif item.codec == ArrayCodec.number:
                arrays[item.name] = read_array(container, number)
            elif item.codec == FileCodec.number:
                files[item.name] = read_file(container, number)
    if not (clouds or arrays or files):
        raise BitstreamError(f"{path} holds no cloud, array or file")
    return Bundle(clouds, arrays, files)


def _add_cloud(writer: ContainerWriter, name: str, cloud: PointCloud) -> None:
    item = writer.add_item(Item(name, CloudCodec.kind, CloudCodec.number, octree.model_id("fast")))
    encode_cloud(cloud, writer, item, CloudOptions("fast", grid=1.0))
