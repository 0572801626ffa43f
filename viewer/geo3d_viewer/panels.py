"""Pictures side by side, with titles, and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d_viewer.palette import Legend, palette

_INK, _PAPER, _GAP = (40, 46, 56), (250, 251, 253), 8


def side_by_side(
    images: Sequence[NDArray[np.uint8]], titles: Sequence[str], *, columns: int | None = None
) -> NDArray[np.uint8]:
    """One picture of several uint8 [H, W, 3], each under its title, in rows of `columns` (all in one row)."""
    from PIL import Image, ImageDraw, ImageFont

    if not images or len(images) != len(titles):
        raise ShapeError(f"panels need a title each, got {len(images)} pictures and {len(titles)} titles")
    columns = min(columns or len(images), len(images))
    rows = -(-len(images) // columns)
    width, height = max(im.shape[1] for im in images), max(im.shape[0] for im in images)
    size = _title_size(titles, width)
    head = 2 * size
    sheet = Image.new("RGB", (columns * (width + _GAP) - _GAP, rows * (height + head + _GAP) - _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size)
    for k, (image, title) in enumerate(zip(images, titles, strict=True)):
        left, top = (k % columns) * (width + _GAP), (k // columns) * (height + head + _GAP)
        while len(title) > 1 and font.getlength(title) > width - 8:
            title = title[:-2] + "…"
        draw.text((left + 6, top + size * 0.35), title, fill=_INK, font=font)
        sheet.paste(Image.fromarray(image), (left, top + head))
    return np.asarray(sheet)


def _title_size(titles: Sequence[str], width: int) -> int:
    """The font size, 9 to 18, at which every title fits over a panel of this width."""
    from PIL import ImageFont

    largest = max(12, min(18, width // 26))
    longest = max(ImageFont.load_default(largest).getlength(title) for title in titles)
    return max(9, min(largest, int(largest * (width - 12) / max(longest, 1))))


def legend_image(legend: Legend, width: int) -> NDArray[np.uint8]:
    """What stands beside a legend's words: its histogram if it has one, else its colours from low to high."""
    if legend.values is not None:
        return histogram(legend.values, legend, (width, width // 2))
    return np.ascontiguousarray(np.broadcast_to(palette(np.linspace(0, 1, width)), (width // 20, width, 3)))


def histogram(values: NDArray[Any], legend: Legend, size: tuple[int, int], bins: int = 48) -> NDArray[np.uint8]:
    """A bar chart uint8 [H, W, 3] of how often values occur, in the colours that stand for them.

    The last bar also holds what lies above `legend.high`.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    v = np.asarray(values, dtype=np.float64)
    span = (legend.high - legend.low) or 1.0
    index = np.floor((v[np.isfinite(v)] - legend.low) / span * bins).astype(np.int64).clip(0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    image = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(image)
    text = max(11, height // 26)
    font = ImageFont.load_default(text)
    left, right, top, bottom = round(0.06 * width), round(0.95 * width), round(0.08 * height), height - 3 * text
    colors = palette((np.arange(bins) + 0.5) / bins)
    edges = np.linspace(left, right, bins + 1)
    for k in range(bins):
        bar = (bottom - top) * counts[k] / max(counts.max(), 1)
        if counts[k]:
            color = tuple(int(c) for c in colors[k])
            draw.rectangle((edges[k], bottom - max(bar, 1), edges[k + 1] - 1, bottom), fill=color)
    draw.line((left, bottom + 1, right, bottom + 1), fill=_INK)
    draw.text((left, bottom + text * 0.4), f"{legend.low:.3g}", fill=_INK, font=font)
    draw.text((right, bottom + text * 0.4), f"{legend.high:.3g} and more", fill=_INK, font=font, anchor="ra")
    draw.text(((left + right) / 2, bottom + text * 1.5), legend.label, fill=_INK, font=font, anchor="ma")
    return np.asarray(image)
