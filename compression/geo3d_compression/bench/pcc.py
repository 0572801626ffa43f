"""The suite `pcc`: point clouds with and without loss, ours and the peers', on the same points in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from geo3d.bench.suite import Row, Suite
from geo3d.types import PointCloud
from geo3d_compression.api import compress, decompress
from geo3d_compression.bench import tmc13
from geo3d_compression.bench.cases import Case, cases
from geo3d_compression.bench.lossy import lossy_rows
from geo3d_compression.bench.peak import peak_mb, reset_peak
from geo3d_compression.bench.peers import installed
from geo3d_compression.bench.surface import surface_rows

_PROFILES: tuple[Literal["fast", "best"], ...] = ("fast", "best")


def rows(data: Path | None) -> Iterator[Row]:
    """Every cloud by every codec: whole files, decoded and compared."""
    _warm_up()
    for case in cases(data):
        reference = _reference(case)
        if reference:
            yield reference
            case = replace(case, tmc13_bpp=reference["bpp"], tmc13_seconds=_cpu(reference))
        bare = PointCloud(case.cloud.points)
        for profile in _PROFILES:
            encode = partial(compress, bare, grid=1, profile=profile, threads=1)
            row = _measure(case, f"geo3d {profile}", encode, _decode)
            yield row
        if case.cloud.colors is not None:
            yield _measure_colors(case, row["bytes"])
            yield from lossy_rows(case)
        yield from surface_rows(case)
        for name, peer in installed().items():
            yield _measure(case, name, partial(peer.encode, case.shifted), peer.decode, case.shifted)


def _reference(case: Case) -> Row | None:
    """TMC13 on the case's points: measured where its program is here, else as recorded."""
    if tmc13.program():
        encode = partial(tmc13.encode, case.shifted, case.kind == "lidar")
        bare = replace(case, tmc13_bpp=None, tmc13_seconds=None)
        row = _measure(bare, "TMC13", encode, tmc13.decode, case.shifted)
        return {**row, "peak_mb": None, "of_tmc13": 1.0, "enc_of_tmc13": 1.0, "dec_of_tmc13": 1.0}
    if case.tmc13_bpp is None or case.tmc13_seconds is None:
        return None
    n, (enc, dec) = len(case.cloud), case.tmc13_seconds
    return {
        "what": "geometry", "cloud": case.name, "kind": case.kind, "grid": case.grid, "points": n,
        "codec": "TMC13 (recorded)", "bytes": round(case.tmc13_bpp * n / 8), "bpp": case.tmc13_bpp, "of_tmc13": 1.0,
        "enc_s": enc, "dec_s": dec, "enc_cpu_s": enc, "dec_cpu_s": dec, "peak_mb": None, "exact": None,
        "enc_of_tmc13": 1.0, "dec_of_tmc13": 1.0,
    }  # fmt: skip


def _cpu(row: Row) -> tuple[float, float]:
    return max(row["enc_cpu_s"], 1e-3), max(row["dec_cpu_s"], 1e-3)


def _cpu_seconds() -> float:
    """Of this process and of the programs that it has run."""
    return sum(os.times()[:4])


def _decode(data: bytes) -> Any:
    return decompress(data, threads=1).points


def _warm_up() -> None:
    """Compile or load everything once: seconds below are those of the work."""
    points = np.random.default_rng(0).integers(0, 32, (500, 3)).astype(np.int32)
    cloud = PointCloud(points, (points * 7).astype(np.uint8))
    for profile in _PROFILES:
        decompress(compress(cloud, grid=1, profile=profile))


def _measure(
    case: Case, codec: str, encode: Callable[[], bytes], decode: Callable[[bytes], Any], truth: Any = None
) -> Row:
    reset_peak()
    start, cpu = time.perf_counter(), _cpu_seconds()
    data = encode()
    enc, enc_cpu = time.perf_counter() - start, _cpu_seconds() - cpu
    start, cpu = time.perf_counter(), _cpu_seconds()
    back = np.asarray(decode(data))
    dec, dec_cpu = time.perf_counter() - start, _cpu_seconds() - cpu
    truth = case.cloud.points if truth is None else truth
    n = len(case.cloud)
    bpp = 8 * len(data) / n
    return {
        "what": "geometry", "cloud": case.name, "kind": case.kind, "grid": case.grid, "points": n, "codec": codec,
        "bytes": len(data), "bpp": bpp, "of_tmc13": bpp / case.tmc13_bpp if case.tmc13_bpp else None, "enc_s": enc,
        "dec_s": dec, "enc_cpu_s": enc_cpu, "dec_cpu_s": dec_cpu, "peak_mb": peak_mb(),
        "exact": len(back) == n and np.array_equal(np.unique(back, axis=0), np.unique(truth, axis=0)),
        "enc_of_tmc13": enc_cpu / case.tmc13_seconds[0] if case.tmc13_seconds else None,
        "dec_of_tmc13": dec_cpu / case.tmc13_seconds[1] if case.tmc13_seconds else None,
    }  # fmt: skip


def _measure_colors(case: Case, geometry: int) -> Row:
    """Lossless colours: what the file grows by when the points carry their colours."""
    reset_peak()
    start, cpu = time.perf_counter(), time.process_time()
    data = compress(case.cloud, grid=1, profile="best", threads=1)
    enc, enc_cpu = time.perf_counter() - start, time.process_time() - cpu
    start, cpu = time.perf_counter(), time.process_time()
    back = decompress(data, threads=1)
    dec, dec_cpu = time.perf_counter() - start, time.process_time() - cpu
    n = len(case.cloud)
    bpp = 8 * (len(data) - geometry) / n
    ours, truth = (np.unique(np.concatenate([c.points, c.colors], axis=1), axis=0) for c in (back, case.cloud))
    return {
        "what": "colour", "cloud": case.name, "kind": case.kind, "grid": case.grid, "points": n, "codec": "geo3d best",
        "bytes": len(data) - geometry, "bpp": bpp, "enc_s": enc, "dec_s": dec, "enc_cpu_s": enc_cpu,
        "dec_cpu_s": dec_cpu, "of_tmc13": bpp / case.tmc13_color_bpp if case.tmc13_color_bpp else None,
        "peak_mb": peak_mb(), "exact": np.array_equal(ours, truth),
    }  # fmt: skip


def summary(measured: list[Row]) -> list[Row]:
    """Geometric means of bits and of the ratio to TMC13, by what, kind and codec; medians of the seconds."""
    result = [r for r in measured if r["what"].endswith("BD-rate")]
    measured = [r for r in measured if not r["what"].startswith("lossy")]
    for what, kind, codec in dict.fromkeys((r["what"], r["kind"], r["codec"]) for r in measured):
        group = [r for r in measured if (r["what"], r["kind"], r["codec"]) == (what, kind, codec)]
        ratios = [r["of_tmc13"] for r in group if r["of_tmc13"]]
        result.append({
            "what": what, "cloud": f"{len(group)} clouds", "kind": kind, "codec": codec,
            "points": sum(r["points"] for r in group), "bytes": sum(r["bytes"] for r in group),
            "bpp": float(np.exp(np.mean([np.log(r["bpp"]) for r in group]))),
            "of_tmc13": float(np.exp(np.mean(np.log(ratios)))) if ratios else None,
            "worst_of_tmc13": max(ratios) if ratios else None,
            "enc_s": float(np.median([r["enc_s"] for r in group])),
            "dec_s": float(np.median([r["dec_s"] for r in group])),
            "peak_mb": max((r["peak_mb"] for r in group if r["peak_mb"]), default=None),
            "exact": all(r["exact"] for r in group) if group[0]["exact"] is not None else None,
        })  # fmt: skip
    return result


SUITE: Suite = {
    "description": "point clouds: bits a point, PSNR, seconds, memory; beside TMC13 (G-PCC) and installed peers",
    "columns": [
        "what", "cloud", "grid", "points", "codec", "bytes", "bpp", "d1_psnr", "of_tmc13", "enc_s", "dec_s",
        "peak_mb", "exact",
    ],
    "rows": rows,
    "summary": summary,
}  # fmt: skip
