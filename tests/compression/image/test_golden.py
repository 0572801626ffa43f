"""Streams of this format version decode for ever: the SHA-256 of what they hold.

To write them anew after a change of the format: `python tests/compression/image/test_golden.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.image.stored import decode_bytes_any, decode_png, encode_bytes_any, method_of
from geo3d_compression.rgbd import codec
from numpy.typing import NDArray
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"
SUMS: dict[str, str] = json.loads((GOLDEN / "sha256.json").read_text()) if GOLDEN.is_dir() else {}


@pytest.mark.parametrize("name", [n for n in SUMS if n.endswith(".bin")])
def test_files(name: str) -> None:
    stream = (GOLDEN / name).read_bytes()
    if method_of(stream) == "png" and not decode_png(stream[1:])[1]:
        pytest.skip("this zlib packs differently")
    assert hashlib.sha256(decode_bytes_any(stream)).hexdigest() == SUMS[name]


@pytest.mark.parametrize("threads", [1, 2])
def test_folder(tmp_path: Path, threads: int) -> None:
    with Container(GOLDEN / "wall.g3c") as container:
        codec.decompress(container, 0, tmp_path / "wall", View(threads=threads))
    assert folder_sum(tmp_path / "wall") == SUMS["wall.g3c"]


def test_folder_of_png_frames(tmp_path: Path) -> None:
    """The warped frame predicts samples: these are pinned, as how PNG packs them depends on the zlib there is."""
    with Container(GOLDEN / "panel.g3c") as container:
        codec.decompress(container, 0, tmp_path / "panel", View(threads=1))
    for i, expected in enumerate(walk()):
        with Image.open(tmp_path / "panel" / f"frame-{i:06d}.color.png") as frame:
            assert np.array_equal(np.asarray(frame), expected)


def walk() -> list[NDArray[np.uint8]]:
    """Three [48, 64, 3] views of a noisy wall, from integers alone."""
    y, x = np.mgrid[:48, :80]
    wall = np.stack([((x + 3 * c) * 7919 ^ y * 104729 ^ x * y * 31) // 8 % 61 + 60 + x + y * c for c in range(3)], -1)
    return [wall[:, 4 * i : 4 * i + 64].astype(np.uint8) for i in range(3)]


def scan(folder: Path, colors: list[Image.Image], suffix: str, **options: Any) -> None:
    """A folder of frames of a wall 1.5 m away, the camera moving to its right."""
    folder.mkdir()
    for i, color in enumerate(colors):
        color.save(folder / f"frame-{i:06d}.color.{suffix}", **options)
        Image.fromarray(np.full((48, 64), 1500, np.uint16)).save(folder / f"frame-{i:06d}.depth.png")
        pose = np.eye(4)
        pose[0, 3] = 4 * i * 1.5 / 70
        np.savetxt(folder / f"frame-{i:06d}.pose.txt", pose)
    np.savetxt(folder / "intrinsics.txt", [[70, 0, 32], [0, 70, 24], [0, 0, 1]])


def folder_sum(folder: Path) -> str:
    """SHA-256 of names and contents."""
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest()


def write() -> None:
    """Write all golden streams and their sums from pictures made here."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from compression_pictures import jpeg, picture

    photo = io.BytesIO()
    y, x = np.mgrid[:47, :61]
    noisy = [(60 + x + y * c + ((x + 3 * c) * 7919 ^ y * 104729 ^ x * y * 31) // 8 % 23) % 256 for c in range(3)]
    Image.fromarray(np.stack(noisy, -1).astype(np.uint8)).save(photo, "PNG")
    drawing = io.BytesIO()
    picture(61, 47).quantize(16).save(drawing, "PNG")
    files = {
        "color.jpeg.bin": (jpeg(size=(45, 33)), "best"),
        "fast.jpeg.bin": (jpeg(size=(45, 33), subsampling=0, quality=90), "fast"),
        "progressive.jpeg.bin": (jpeg("L", (45, 33), progressive=True), "best"),
        "photo.png.bin": (photo.getvalue(), "best"),
        "quick.png.bin": (photo.getvalue(), "fast"),
        "drawing.png.bin": (drawing.getvalue(), "best"),
    }
    sums = {}
    for name, (data, profile) in files.items():
        (GOLDEN / name).write_bytes(encode_bytes_any(data, profile))  # type: ignore[arg-type]
        sums[name] = hashlib.sha256(data).hexdigest()
    with tempfile.TemporaryDirectory() as temporary:
        wall = picture(140, 80)
        views = [wall.crop((4 * i, 8, 4 * i + 64, 56)) for i in range(3)]
        scan(Path(temporary) / "wall", views, "jpg", quality=90)
        scan(Path(temporary) / "panel", [Image.fromarray(v) for v in walk()], "png")
        for name in ("wall", "panel"):
            with ContainerWriter() as writer:
                codec.compress(Path(temporary) / name, writer, name, Request("best"))
                writer.write(GOLDEN / f"{name}.g3c")
        sums["wall.g3c"] = folder_sum(Path(temporary) / "wall")
    (GOLDEN / "sha256.json").write_text(json.dumps(sums, indent=1) + "\n")


if __name__ == "__main__":
    write()
