"""The picture suite measures real streams: ours and the peers', on pictures that it draws itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from geo3d_compression.bench import image
from PIL import Image


def test_drawings_are_the_same_every_time() -> None:
    one, two = list(image.drawings()), list(image.drawings())
    assert len(one) == 5
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_rows_of_a_folder(tmp_path: Path, monkeypatch) -> None:
    y, x = np.mgrid[:40, :50]
    picture = Image.fromarray(np.stack([x * 3, y * 4, x + y], -1).astype(np.uint8))
    picture.save(tmp_path / "a.jpg")
    picture.save(tmp_path / "b.png")
    monkeypatch.setattr(image, "drawings", lambda: iter([np.zeros((8, 8, 3), np.uint8)]))
    rows = list(image.SUITE["rows"](tmp_path))
    ours = [r for r in rows if r["method"].startswith("geo3d")]
    assert {r["set"] for r in ours} == {"JPEG files", "pictures", "screens and drawings (made here)"}
    size = len((tmp_path / "a.jpg").read_bytes())
    assert all(0 < r["bytes"] < size for r in ours if r["set"] == "JPEG files")
    assert all(r["ratio"] > 0 for r in image.SUITE["summary"](rows))
