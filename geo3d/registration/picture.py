"""A picture of a registration: both clouds before and after, drawn without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.io.atomic import atomic_path
from geo3d.types import PointCloud

PANEL = 640
MARGIN = 0.06
# Source and target where a cloud has no colours of its own, and the tint of those that have.
TINTS = np.array([[255, 150, 40], [60, 140, 255]], dtype=np.float64)
BACKGROUND = 245
MAX_POINTS = 400_000


def write_before_after(
    path: Path, source: PointCloud, target: PointCloud, T_target_source: NDArray[np.float64], accepted: bool = True
) -> None:
    """Write a PNG with two panels: the clouds as they came, and the source (orange) moved onto the target (blue).

    Both panels show the same oblique view, each fitted to its clouds; a red frame marks a refused pose.
    """
    from PIL import Image

    s, t = source.finite()[0], target.finite()[0]
    s, t = (c[:: max(1, len(c) // MAX_POINTS)] for c in (s, t))
    panels = [_panel([s.points, t.points], [s, t]), _panel([s.transformed(T_target_source).points, t.points], [s, t])]
    if not accepted:
        for edge in (np.s_[:6], np.s_[-6:], np.s_[:, :6], np.s_[:, -6:]):
            panels[1][edge] = (220, 40, 40)
    gap = np.full((PANEL, 8, 3), 255, np.uint8)
    with atomic_path(path) as temporary:
        Image.fromarray(np.hstack([panels[0], gap, panels[1]])).save(temporary, format="PNG")


def _panel(points: list[NDArray[np.floating]], clouds: list[PointCloud]) -> NDArray[np.uint8]:
    """[PANEL, PANEL, 3] orthographic view from above the camera's shoulder, nearest point wins."""
    every = np.concatenate(points).astype(np.float64)
    low, high = np.percentile(every, [0.5, 99.5], axis=0) if len(every) else (np.zeros(3), np.ones(3))
    R = _oblique()
    view = (every - (low + high) / 2) @ R.T
    extent = np.ptp(np.percentile(view[:, :2], [0.5, 99.5], axis=0), axis=0).max() if len(view) else 1.0
    middle = np.percentile(view[:, :2], [0.5, 99.5], axis=0).mean(axis=0) if len(view) else np.zeros(2)
    pixels = (view[:, :2] - middle) / max(float(extent), 1e-9) * PANEL * (1 - 2 * MARGIN) + PANEL / 2
    colors = np.concatenate([_colors(c, tint) for c, tint in zip(clouds, TINTS, strict=True)])
    image = np.full((PANEL, PANEL, 3), BACKGROUND, np.uint8)
    size = 2 if len(every) < 200_000 else 1
    # Far points first, so that near ones are drawn over them.
    order = np.argsort(-view[:, 2], kind="stable")
    u, v = np.floor(pixels[order]).astype(np.int64).T
    colors = colors[order]
    for du in range(size):
        for dv in range(size):
            inside = (u + du >= 0) & (v + dv >= 0) & (u + du < PANEL) & (v + dv < PANEL)
            image[v[inside] + dv, u[inside] + du] = colors[inside]
    return image


def _oblique() -> NDArray[np.float64]:
    """Rows right, down, ahead: looking along the camera's axis, from 35 degrees above and 25 degrees aside."""
    a, b = np.deg2rad([35.0, 25.0])
    tilt = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return np.asarray(tilt @ turn)


def _colors(cloud: PointCloud, tint: NDArray[np.float64]) -> NDArray[np.uint8]:
    if cloud.colors is None:
        return np.tile(tint, (len(cloud), 1)).astype(np.uint8)
    brightness = cloud.colors.astype(np.float64).mean(axis=1, keepdims=True)
    return (0.25 * cloud.colors + tint * (0.25 + 0.5 * brightness / 255)).clip(0, 255).astype(np.uint8)
