"""What makes a PNG file the file it is, beside its samples: deflate settings, chunks, row filters, chunk sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.image.deflate import settings_of
from geo3d_compression.image.png import PngFile, rebuild_png


def shell(file: PngFile) -> bytes:
    """The bytes of a file's shell; its bits are known elsewhere."""
    out = bytearray()
    s = file.deflate
    for value in (s.level, s.strategy, s.memory, s.window):
        put_varint(out, value)
    for part in (file.before, file.after, file.filters.tobytes(), np.array(file.sizes, "<u4").tobytes()):
        put_varint(out, len(part))
        out += part
    return bytes(out)


def unshell(cursor: Cursor, samples: NDArray[Any], bits: int) -> bytes:
    """The file of samples [H, W, C] and the shell that comes next."""
    return rebuild_png(open_shell(cursor, samples, bits))


def open_shell(cursor: Cursor, samples: NDArray[Any], bits: int) -> PngFile:
    """The same, taken apart."""
    settings = settings_of(*(cursor.varint() for _ in range(4)))
    before, after, filters, sizes = (cursor.take(cursor.varint()) for _ in range(4))
    kinds = np.frombuffer(filters, np.uint8)
    if len(kinds) != len(samples) or kinds.max() > 4 or not len(sizes) or len(sizes) % 4:
        raise BitstreamError("the shell of a PNG file is damaged")
    lengths = tuple(int(v) for v in np.frombuffer(sizes, "<u4"))
    return PngFile(samples, bits, kinds, before, after, lengths, settings)
