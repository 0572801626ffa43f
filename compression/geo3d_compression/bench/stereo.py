"""Stereo rows of `geo3d bench video`: the right view from the left one, beside both views alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.bench.suite import Row
from geo3d.errors import Geo3DError


def stereo_rows(root: Path, limit: int | None) -> Iterator[Row]:
    """Rows of every pair of clips called `..._left` and `..._right`, frames decoded and compared."""
    from geo3d_compression.video import clip as clips
    from geo3d_compression.video.exact import encode_frames
    from geo3d_compression.video.views import decode_right, encode_right

    for left in sorted(root.rglob("*_left.*")):
        right = left.with_name(left.name.replace("_left", "_right"))
        if not right.is_file():
            continue
        (about, one), (_, two) = (_read(p, limit) for p in (left, right))
        name = left.stem.removesuffix("_left")
        start = time.process_time()
        alone = [len(encode_frames(view, about.format, "fast")) for view in (one, two)]
        middle = time.process_time()
        highest = clips.highest_sample(about.format)
        stream = encode_right(one, two, highest, "fast")
        end = time.process_time()
        back = decode_right(stream, one, highest, "fast")
        if any(not np.array_equal(x, y) for a, b in zip(two, back, strict=True) for x, y in zip(a, b, strict=True)):
            raise Geo3DError(f"{name}: decoded right views differ")
        pixels = len(one) * about.width * about.height
        for method, size, seconds in (
            ("geo3d fast, both alone", sum(alone), middle - start),
            ("geo3d fast --stereo", alone[0] + len(stream), (middle - start) / 2 + end - middle),
        ):
            yield {
                "clip": name, "what": "stereo", "method": method, "frames": 2 * len(one), "bytes": size,
                "bpp": 4 * size / pixels, "ratio": size / sum(alone), "enc_mpx_s": 2 * pixels / 1e6 / seconds,
            }  # fmt: skip


def _read(path: Path, limit: int | None) -> tuple[Any, Sequence[Any]]:
    from geo3d_compression.video import clip as clips

    with clips.open_clip(path) as container:
        about = clips.about(container)
        return about, [clips.planes_of(f, about.format) for f in islice(clips.frames_of(container, path), limit)]
