"""Lossy colours on lossless geometry: rate and distortion, and the BD-rate against TMC13's RAHT and lifting."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row
from geo3d.types import PointCloud
from geo3d_compression.api import compress, decompress
from geo3d_compression.attributes.lossy import rgb_to_ycc
from geo3d_compression.bench.cases import Case

# Steps 6 to 230: the range of TMC13's QPs 22 to 51.
_QUALITIES = tuple(round(100 - 12.5 * float(np.log2(step)), 2) for step in (6, 12, 24, 48, 96, 230))


def lossy_rows(case: Case) -> Iterator[Row]:
    """Whole files minus their geometry at six qualities, then one row of BD-rates a reference method."""
    geometry = len(compress(PointCloud(case.cloud.points), grid=1, threads=1))
    about = {"cloud": case.name, "kind": case.kind, "grid": case.grid, "points": len(case.cloud)}
    measured = []
    for quality in _QUALITIES:
        data = compress(case.cloud, grid=1, quality=quality, threads=1)
        y, u, v = color_psnr(case.cloud, decompress(data, threads=1))
        size = len(data) - geometry
        row: Row = {
            **about, "what": "lossy colour", "codec": f"geo3d quality {quality:g}", "bytes": size,
            "bpp": 8 * size / len(case.cloud), "psnr_y": y, "psnr_u": u, "psnr_v": v,
            "psnr_yuv": (6 * y + u + v) / 8,
        }  # fmt: skip
        measured.append(row)
        yield row
    for method in ("raht", "lift"):
        reference = [r for r in _references() if (r["cloud"], r["grid"], r["method"]) == (case.name, case.grid, method)]
        if reference:
            yield {
                **about,
                "what": "lossy colour BD-rate",
                "codec": f"geo3d ÷ TMC13 {method}",
                "of_tmc13": 1 + _bd(reference, measured, "psnr_y"),
                "yuv_of_tmc13": 1 + _bd(reference, measured, "psnr_yuv"),
            }


def color_psnr(truth: PointCloud, decoded: PointCloud) -> tuple[float, float, float]:
    """PSNR (peak 255) of BT.709 Y, Cb, Cr; the clouds hold the same points in any order, each once."""
    pictures: list[NDArray[np.float64]] = []
    for cloud in (truth, decoded):
        if cloud.colors is None:
            raise ValueError("both clouds need colours")
        pictures.append(rgb_to_ycc(cloud.colors[np.lexsort(cloud.points.T)]))
    error = np.maximum(((pictures[0] - pictures[1]) ** 2).mean(axis=0), 1e-9)
    y, u, v = (float(10 * np.log10(255**2 / e)) for e in error)
    return y, u, v


def bd_rate(
    rate_a: Sequence[float], psnr_a: Sequence[float], rate_b: Sequence[float], psnr_b: Sequence[float]
) -> float:
    """Mean relative difference of b's rate to a's at equal PSNR (Bjontegaard 2001; Akima fit of log rate)."""
    from scipy.interpolate import Akima1DInterpolator

    curves = []
    for rate, psnr in ((rate_a, psnr_a), (rate_b, psnr_b)):
        order = np.argsort(psnr)
        curves.append(Akima1DInterpolator(np.asarray(psnr)[order], np.log(np.asarray(rate)[order])))
    low, high = max(min(psnr_a), min(psnr_b)), min(max(psnr_a), max(psnr_b))
    x = np.linspace(low, high, 200)
    return float(np.exp(np.mean(curves[1](x) - curves[0](x))) - 1)


def _bd(reference: Sequence[Row], measured: Sequence[Row], key: str) -> float:
    return bd_rate(
        [r["bpp"] for r in reference],
        [r[key] for r in reference],
        [r["bpp"] for r in measured],
        [r[key] for r in measured],
    )


def _references() -> list[Row]:
    rows: list[Row] = []
    for r in csv.DictReader((files(__package__) / "tmc13_lossy_colors.csv").read_text().splitlines()):
        y, u, v = float(r["psnr_y"]), float(r["psnr_u"]), float(r["psnr_v"])
        rows.append({**r, "bpp": float(r["bpp"]), "psnr_y": y, "psnr_yuv": (6 * y + u + v) / 8})
    return rows
