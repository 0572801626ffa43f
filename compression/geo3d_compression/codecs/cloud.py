"""Point clouds of every format that the front end reads and writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.container import Container, ContainerWriter, Item


class CloudCodec:
    """Grid, tiles, octree, attributes: see `geo3d_compression.cloud`."""

    number = 1
    kind = "cloud"
    unit: Unit = "points"

    @property
    def suffixes(self) -> tuple[str, ...]:
        from geo3d.io import POINT_FORMATS

        return tuple(POINT_FORMATS)

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        from geo3d.io import read_points
        from geo3d.io.points.pieces import point_pieces
        from geo3d_compression import octree
        from geo3d_compression.cloud import encode_cloud, stream

        options = cloud_options(request)
        item = writer.add_item(Item(name, self.kind, self.number, octree.model_id(request.profile)))
        pieces = point_pieces(source, stream.LEAST_POINTS)
        report = None
        if pieces is not None:
            report = stream.encode_pieces(pieces, writer, item, options)
        if report is None:
            report = encode_cloud(read_points(source), writer, item, options)
        details: dict[str, Any] = {"decoded_points": report.points, "cell": report.cell, "max_error": report.error}
        if report.d1_psnr is not None:
            details |= {"geometry": "lossy", "coded_cell": report.cell * report.ratio, "d1_psnr": report.d1_psnr}
        return Outcome(report.input_points, details)

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        from geo3d.console import progress
        from geo3d.io import write_points
        from geo3d.io.atomic import atomic_path
        from geo3d.io.points.pieces import can_write_pieces, write_pieces
        from geo3d_compression.cloud import CloudView, decode_cloud, stream
        from geo3d_compression.cloud.decode import decode_parts, read_header, read_metadata

        need_model(container.items[item])
        part = CloudView(view.level, view.bbox, view.threads, view.salvage, view.losses)
        header = read_header(container, item)
        whole = part.level in (None, header.depth) and part.box is None and not (part.salvage or header.ordered)
        dtypes = {header.grid.dtype, *(m.dtype for a in header.attributes for m in a.maps)}
        if whole and header.points >= stream.LEAST_POINTS and can_write_pieces(target, dtypes):
            with atomic_path(target) as temporary:
                about = read_metadata(container, item)
                parts = progress(decode_parts(container, item, part), "cloud", len(header.tiles))
                pieces = (replace(p, metadata=about) for p in parts)
                write_pieces(temporary, header.points, pieces)
            return Outcome(header.points)
        cloud = decode_cloud(container, item, part)
        write_points(target, cloud)
        return Outcome(len(cloud))

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        from geo3d_compression.cloud.decode import read_header
        from geo3d_compression.upsample.lattice import UNIT

        h = read_header(container, item)
        low = [min(t.origin[k] for t in h.tiles) for k in range(3)]
        return {
            "profile": h.profile, "points": h.input_points, "decoded_points": h.points,
            "voxels": sum(t.voxels for t in h.tiles), "levels": h.depth, "tiles": len(h.tiles), "cell": h.grid.step,
            "dtype": h.grid.dtype, "max_error": h.error, "origin": h.grid.centres(_row(low))[0].tolist(),
            "attributes": [a.name for a in h.attributes if a.role != "refinement"],
            "lossy_attributes": [a.name for a in h.attributes if a.step],
            "exact_coordinates": h.error == 0, "keeps_order": h.ordered,
            **({"geometry": "lossy", "coded_cell": h.grid.step * h.scale / UNIT, "d1_psnr": h.d1_psnr,
                "upsampling_model": h.model.hex()} if h.lossy else {"geometry": "exact"}),
        }  # fmt: skip


def cloud_options(request: Request) -> Any:
    """The options of the cloud codec for a request."""
    from geo3d_compression.cloud import CloudOptions

    return CloudOptions(
        request.profile, request.grid, request.bits, request.lossless, request.quality, request.duplicates,
        request.keep_order, request.threads, request.geometry,
    )  # fmt: skip


def need_model(item: Item) -> None:
    """Refuse a stream made with weights that are not the ones installed here."""
    from geo3d.errors import BitstreamError
    from geo3d_compression import octree

    known = {octree.model_id(profile) for profile in ("fast", "best")}
    if item.model not in known:
        raise BitstreamError(
            f"'{item.name}' needs the octree model {item.model.hex() or '(none)'}; installed are "
            f"{', '.join(m.hex() or '(none)' for m in sorted(known))}: install the version that wrote it"
        )


def _row(values: list[int]) -> Any:
    import numpy as np

    return np.array([values])
