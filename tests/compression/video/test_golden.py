"""Films and stereo pairs of this format version decode for ever, with any number of threads.

To write them anew after a change of the format: `python tests/compression/video/test_golden.py`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.video import stereo
from geo3d_compression.video.exact import decode_frames, encode_frames
from numpy.typing import NDArray
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"
PROFILES = ("fast", "best")
FORMAT, FRAMES, HEIGHT, WIDTH = "yuv420p", 3, 22, 30


def texture(height: int, width: int) -> NDArray[np.uint8]:
    """[height, width] noise from integers alone."""
    y, x = np.mgrid[:height, :width]
    return ((x * 7919 ^ y * 104729 ^ x * y * 31) // 8 % 97 + 60 + x + y).astype(np.uint8)


def film() -> list[list[NDArray[np.uint8]]]:
    big = texture(HEIGHT + 8, WIDTH + 8)
    shifts = [(2 * t, t) for t in range(FRAMES)]
    return [
        [big[y : y + HEIGHT, x : x + WIDTH], *(big[y : y + HEIGHT : 2, x + k : x + k + WIDTH : 2] for k in (1, 2))]
        for x, y in shifts
    ]


def pair() -> list[NDArray[np.uint8]]:
    """[h, w, 3] left and right."""
    big = np.stack([texture(28, 80), texture(28, 81)[:, 1:], texture(28, 82)[:, 2:]], -1)
    return [big[:, 9:61], big[:, 16:68]]


@pytest.mark.parametrize("profile", PROFILES)
def test_film(profile: str) -> None:
    stream = (GOLDEN / f"film.{profile}.bin").read_bytes()
    back = decode_frames(stream, FRAMES, FORMAT, HEIGHT, WIDTH, profile)  # type: ignore[arg-type]
    for planes, expected in zip(back, film(), strict=True):
        for plane, original in zip(planes, expected, strict=True):
            np.testing.assert_array_equal(plane, original)


@pytest.mark.parametrize("threads", [1, 2])
def test_pair(tmp_path: Path, threads: int) -> None:
    with Container(GOLDEN / "pair.g3c") as container:
        stereo.decompress(container, 0, tmp_path / "pair", View(threads=threads))
    found = sorted((tmp_path / "pair").iterdir())
    assert [p.name for p in found] == ["left.png", "right.png"]
    for path, original in zip(found, pair(), strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), original)


def write() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for profile in PROFILES:
        stream = encode_frames(film(), FORMAT, profile)  # type: ignore[arg-type]
        (GOLDEN / f"film.{profile}.bin").write_bytes(stream)
    with tempfile.TemporaryDirectory() as temporary:
        paths = [Path(temporary) / f"{side}.png" for side in ("left", "right")]
        for path, view in zip(paths, pair(), strict=True):
            Image.fromarray(view).save(path)
        with ContainerWriter() as writer:
            stereo.compress_pair(*paths, writer, "pair", Request("best"))
            writer.write(GOLDEN / "pair.g3c")


if __name__ == "__main__":
    sys.exit(write())
