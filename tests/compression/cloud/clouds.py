"""Clouds and comparisons for the tests of the codec."""

from __future__ import annotations

import numpy as np
from geo3d_compression import octree
from geo3d_compression.cloud import CloudOptions, CloudReport, CloudView, decode_cloud, encode_cloud
from geo3d_compression.container import Container, ContainerWriter, Item
from numpy.typing import NDArray

from geo3d.types import PointCloud


def pack(cloud: PointCloud, options: CloudOptions | None = None) -> tuple[bytes, CloudReport]:
    with ContainerWriter() as writer:
        item = writer.add_item(Item("cloud", "cloud", 1, octree.model_id(options.profile if options else "fast")))
        report = encode_cloud(cloud, writer, item, options)
        return writer.to_bytes(), report


def unpack(data: bytes, view: CloudView | None = None) -> PointCloud:
    with Container(data, salvage=view is not None and view.salvage) as container:
        return decode_cloud(container, 0, view)


def rows(cloud: PointCloud) -> NDArray[np.void]:
    """Every point with all that it carries, bit for bit, sorted: equal for equal multisets."""
    parts = [cloud.points, cloud.colors, cloud.normals, *(cloud.attributes[k] for k in sorted(cloud.attributes))]
    columns = [np.ascontiguousarray(p).reshape(len(cloud), -1).view(np.uint8) for p in parts if p is not None]
    table = np.ascontiguousarray(np.concatenate([c.reshape(len(cloud), -1) for c in columns], axis=1))
    return np.sort(table.view(f"V{table.shape[1]}").reshape(-1))


def rebuild(data: bytes, change: dict[tuple[int, int, int], bytes | None]) -> bytes:
    """The container with some chunks replaced (or dropped), all checksums right: what only a codec can notice."""
    with Container(data) as container, ContainerWriter() as writer:
        for item in container.items:
            writer.add_item(item)
        for chunk in container.chunks:
            key = (chunk.type, chunk.part, chunk.index)
            payload = change.get(key, container.read(chunk))
            if payload is not None:
                writer.add_chunk(
                    chunk.item, chunk.type, payload, part=chunk.part, index=chunk.index, critical=chunk.critical
                )
        return writer.to_bytes()


def chunks_of(data: bytes) -> dict[tuple[int, int, int], bytes]:
    with Container(data) as container:
        return {(c.type, c.part, c.index): container.read(c) for c in container.chunks}


def wavy_surface(n: int = 20000, bits: int = 7, seed: int = 0) -> PointCloud:
    """A coloured closed surface on an integer grid, without duplicates."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    r = 1 + 0.15 * np.sin(5 * u[:, :1]) * np.cos(4 * u[:, 1:2])
    points = np.unique(np.rint((u * r + 1.3) / 2.6 * (2**bits - 1)).astype(np.int32), axis=0)
    colors = (128 + 60 * np.sin(points / 9.0) + rng.normal(size=points.shape) * 3).clip(0, 255).astype(np.uint8)
    return PointCloud(points, colors)
