"""Lossy geometry of dense clouds: rate, D1 and D2, and the BD-rate against TMC13's trisoup."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import numpy as np

from geo3d.bench.suite import Row
from geo3d.types import PointCloud
from geo3d_compression.api import compress, decompress
from geo3d_compression.bench import tmc13
from geo3d_compression.bench.cases import Case
from geo3d_compression.bench.distortion import Reference
from geo3d_compression.bench.lossy import bd_rate
from geo3d_compression.cloud.surface import is_dense

# Cells of 1.4 to 9 voxels.
_QUALITIES = (85.0, 70.0, 55.0, 40.0, 25.0, 12.0, 5.0)
_NODES = (4, 8, 16, 32)


def surface_rows(case: Case) -> Iterator[Row]:
    """Whole files at several qualities, trisoup at four node sizes, and the BD-rates; nothing for sparse clouds."""
    points = case.shifted
    if not is_dense(points.astype(np.int64)):
        return
    reference = Reference(points, case.bits)
    peer = list(_trisoup(case, reference))
    yield from peer
    ours = []
    for quality in _QUALITIES:
        encode = _encoder(points, quality)
        ours.append(_measure(case, reference, f"geo3d quality {quality:g}", encode, _decode))
        yield ours[-1]
    if len(peer) > 1:
        d1, d2 = (1 + _bd(peer, ours, key) for key in ("d1_psnr", "d2_psnr"))
        ratios = {"of_tmc13": d1, "d2_of_tmc13": d2}
        yield {**_about(case), "what": "lossy geometry BD-rate", "codec": "geo3d ÷ TMC13 trisoup", **ratios}


def _bd(peer: list[Row], ours: list[Row], key: str) -> float:
    return bd_rate([r["bpp"] for r in peer], [r[key] for r in peer], [r["bpp"] for r in ours], [r[key] for r in ours])


def _trisoup(case: Case, reference: Reference) -> Iterator[Row]:
    if tmc13.program():
        for node in _NODES:

            def encode(node: int = node) -> bytes:
                return tmc13.encode_trisoup(case.shifted, node)

            yield _measure(case, reference, f"TMC13 trisoup {node}", encode, tmc13.decode)
        return
    for r in csv.DictReader((files(__package__) / "tmc13_trisoup.csv").read_text().splitlines()):
        if (r["cloud"], r["grid"]) == (case.name, case.grid):
            size = int(r["bytes"])
            yield {
                **_about(case), "codec": f"TMC13 trisoup {r['node']} (recorded)", "bytes": size,
                "bpp": 8 * size / len(case.cloud), "d1_psnr": float(r["d1_psnr"]), "d2_psnr": float(r["d2_psnr"]),
            }  # fmt: skip


def _encoder(points: Any, quality: float) -> Callable[[], bytes]:
    return lambda: compress(PointCloud(points), grid=1, profile="best", quality=quality, geometry="lossy", threads=1)


def _decode(data: bytes) -> Any:
    return decompress(data, threads=1).points


def _measure(
    case: Case, reference: Reference, codec: str, encode: Callable[[], bytes], decode: Callable[[bytes], Any]
) -> Row:
    def seconds() -> float:
        return sum(os.times()[:4])

    start = seconds()
    data = encode()
    middle = seconds()
    decoded = np.asarray(decode(data))
    end = seconds()
    distortion = reference.compare(decoded)
    return {
        **_about(case), "codec": codec, "bytes": len(data), "bpp": 8 * len(data) / len(case.cloud),
        "decoded_points": len(decoded), "d1_psnr": distortion.d1, "d2_psnr": distortion.d2,
        "enc_cpu_s": middle - start, "dec_cpu_s": end - middle,
    }  # fmt: skip


def _about(case: Case) -> Row:
    return {
        "what": "lossy geometry", "cloud": case.name, "kind": case.kind, "grid": case.grid, "points": len(case.cloud),
    }  # fmt: skip
