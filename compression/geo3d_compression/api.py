"""The library's front door: a cloud to bytes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from geo3d.types import PointCloud


def compress(
    cloud: Any,
    *,
    grid: float | None = None,
    bits: int | None = None,
    profile: Literal["fast", "best"] = "fast",
    lossless: bool = False,
    quality: float | None = None,
    duplicates: Literal["keep", "merge"] = "keep",
    keep_order: bool = False,
    threads: int = 2,
    geometry: Literal["auto", "exact", "lossy"] = "auto",
    name: str = "cloud",
) -> bytes:
    """Compress a point cloud to the bytes of a `.g3c` file.

    Parameters
    ----------
    cloud : PointCloud, array or tensor [N, 3], Open3D cloud, or anything else with points.
    grid, bits, profile, lossless, quality, duplicates, keep_order, threads, geometry : as in `cloud.CloudOptions`.
    name : what the item is called in the container.
    """
    from geo3d.types import PointCloud
    from geo3d.types.checks import as_points
    from geo3d_compression import octree
    from geo3d_compression.cloud import CloudOptions, encode_cloud
    from geo3d_compression.container import ContainerWriter, Item

    points = cloud if isinstance(cloud, PointCloud) else PointCloud(as_points(cloud))
    options = CloudOptions(profile, grid, bits, lossless, quality, duplicates, keep_order, threads, geometry)
    with ContainerWriter() as writer:
        item = writer.add_item(Item(name, "cloud", 1, octree.model_id(profile)))
        encode_cloud(points, writer, item, options)
        return writer.to_bytes()


def decompress(
    data: bytes,
    *,
    level: int | None = None,
    bbox: tuple[float, float, float, float, float, float] | None = None,
    item: str | None = None,
    threads: int = 2,
) -> PointCloud:
    """The point cloud in the bytes of a `.g3c` file, or a coarser level or a box of it.

    `item` names one where the file holds several clouds; the first is the default.
    """
    from geo3d.errors import Geo3DError
    from geo3d_compression.cloud import CloudView, decode_cloud
    from geo3d_compression.codecs.cloud import need_model
    from geo3d_compression.container import Container

    with Container(data) as container:
        found = [
            k for k, i in enumerate(container.items) if i.kind == "cloud" and (item is None or i.name == item)
        ]  # fmt: skip
        if not found:
            names = ", ".join(f"{i.name} ({i.kind})" for i in container.items)
            raise Geo3DError(f"there is no cloud {f'called {item!r} ' if item else ''}among the items: {names}")
        need_model(container.items[found[0]])
        return decode_cloud(container, found[0], CloudView(level, bbox, threads))


def info(data: bytes) -> dict[str, Any]:
    """What the bytes of a `.g3c` file hold, as `geo3d info --json` says it."""
    from geo3d_compression.commands.describe import describe

    return describe(data)
