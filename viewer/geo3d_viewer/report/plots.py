"""Line plots as SVG text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d_viewer.palette import CATEGORIES

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 44


@dataclass(frozen=True, eq=False)
class Series:
    """A named line through points x [N], y [N]."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    marks: bool = False


def line_plot(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    size: tuple[int, int] = (520, 340),
    *,
    equal: bool = False,
    names_below: bool = False,
) -> str:
    """An SVG plot of the series' finite points.

    equal        one metre is as long in x as in y (maps)
    names_below  write the names lower right, where rising curves leave room, instead of upper right
    """
    width, height = size
    points = [np.stack([np.asarray(s.x, float), np.asarray(s.y, float)], axis=1) for s in series]
    points = [p[np.isfinite(p).all(axis=1)] for p in points]
    together = np.concatenate(points) if points else np.zeros((0, 2))
    if not len(together):
        raise ShapeError("a plot needs at least one finite point")
    low, high = together.min(axis=0), together.max(axis=0)
    span = np.where(high > low, high - low, np.maximum(np.abs(high), 1.0) * 0.1)
    area = np.array([width - _LEFT - _RIGHT, height - _TOP - _BOTTOM], dtype=np.float64)
    if equal:
        span = area * (span / area).max()
    centre = (low + high) / 2
    low, high = centre - 0.53 * span, centre + 0.53 * span
    scale = area / (high - low)

    def place(p: NDArray[np.float64]) -> NDArray[np.float64]:
        q = (p - low) * scale
        return np.stack([_LEFT + q[..., 0], height - _BOTTOM - q[..., 1]], axis=-1)

    parts = [_axes(low, high, place, size, x_label, y_label)]
    for k, (line, p) in enumerate(zip(series, points, strict=True)):
        color = "#" + bytes(CATEGORIES[k % len(CATEGORIES)]).hex()
        q = place(p)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in q)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>')
        if line.marks and len(q):
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in q]
        if len(series) > 1:
            y = height - _BOTTOM - 8 - 16 * (len(series) - 1 - k) if names_below else _TOP + 14 + 16 * k
            parts.append(f'<text x="{width - _RIGHT - 8}" y="{y}" fill="{color}" text-anchor="end">')
            parts.append(f"{html.escape(line.name)}</text>")
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" role="img">{body}</svg>'
    )


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / most
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    return [k * step for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _axes(low, high, place, size, x_label: str, y_label: str) -> str:  # type: ignore[no-untyped-def]
    width, height = size
    parts = [
        f'<rect x="{_LEFT}" y="{_TOP}" width="{width - _LEFT - _RIGHT}" height="{height - _TOP - _BOTTOM}" '
        'fill="#fff" stroke="#c9d1da"/>'
    ]
    for value in ticks(low[0], high[0]):
        x = place(np.array([value, low[1]]))[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}" stroke="#eceff3"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - _BOTTOM + 16}" text-anchor="middle">{value:.6g}</text>')
    for value in ticks(low[1], high[1]):
        y = place(np.array([low[0], value]))[1]
        parts.append(f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eceff3"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.6g}</text>')
    middle = (_TOP + height - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + width - _RIGHT) / 2}" y="{height - 8}" text-anchor="middle">{html.escape(x_label)}</text>'
    )
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{html.escape(y_label)}</text>"
    )
    return "\n".join(parts)
