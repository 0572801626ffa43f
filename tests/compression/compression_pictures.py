"""Pictures that are the same on every machine, as arrays and as JPEG files; shared by the tests beside this file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(width: int = 83, height: int = 61) -> Image.Image:
    """Curves and, on the right, noise; from integers only."""
    y, x = np.mgrid[:height, :width]
    planes = [(x * x // 7 + y * (3 + c) + (x * 7919 + y * 104729 + c) % 23 * (x > 40)) % 256 for c in range(3)]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def jpeg(mode: str = "RGB", size: tuple[int, int] = (83, 61), **options: object) -> bytes:
    """A JPEG file of it by libjpeg."""
    out = io.BytesIO()
    picture(*size).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()
