"""Colour bars in the corner of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.raster import Picture

_INK, _PLATE = (40, 46, 56), (236, 240, 245)


def with_legends(picture: Picture) -> NDArray[np.uint8]:
    """The picture's pixels [H, W, 3] with one colour bar for each different legend, bottom left, upwards."""
    legends = list({(g.label, g.low, g.high): g for g in picture.legends.values()}.values())
    return with_bars(picture.color, legends)


def with_bars(pixels: NDArray[np.uint8], legends: list[Legend]) -> NDArray[np.uint8]:
    """Pixels uint8 [H, W, 3] with a colour bar for each of up to four legends; small pictures stay as they are."""
    from PIL import Image, ImageDraw

    height, width = pixels.shape[:2]
    if not legends or width < 240 or height < 160:
        return pixels
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for i, legend in enumerate(legends[:4]):
        _bar(image, draw, legend, round(0.03 * width), height - round((0.10 + 0.11 * i) * height))
    return np.asarray(image)


def _bar(image: object, draw: object, legend: Legend, left: int, top: int) -> None:
    from PIL import Image, ImageDraw, ImageFont

    assert isinstance(image, Image.Image)
    assert isinstance(draw, ImageDraw.ImageDraw)
    size = max(11, image.height // 52)
    font = ImageFont.load_default(size)
    length, thickness = round(0.24 * image.width), max(6, image.height // 72)
    ramp = np.broadcast_to(palette(np.linspace(0, 1, length)), (thickness, length, 3))
    # A light plate keeps the bar readable on dark pictures.
    plate = (left - size, top - 1.8 * size, left + length + size, top + thickness + 2 * size)
    draw.rounded_rectangle(plate, radius=size // 2, fill=_PLATE)
    draw.text((left, top - size * 1.35), legend.label, fill=_INK, font=font)
    image.paste(Image.fromarray(np.ascontiguousarray(ramp)), (left, top))
    draw.rectangle((left - 1, top - 1, left + length, top + thickness), outline=_INK)
    below = top + thickness + size * 0.2
    draw.text((left, below), f"{legend.low:.3g}", fill=_INK, font=font)
    draw.text((left + length, below), f"{legend.high:.3g}", fill=_INK, font=font, anchor="ra")
