"""Depth and colour pictures of every spelling."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from geo3d.errors import FormatError
from geo3d.io.rgbd.images import read_color, read_depth

DEPTH = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000


def test_depth_spellings(tmp_path):
    Image.fromarray(DEPTH).save(tmp_path / "a.png")
    Image.fromarray(DEPTH.astype(np.int32)).save(tmp_path / "b.tif")
    Image.fromarray(DEPTH).save(tmp_path / "c.tif")
    (tmp_path / "d.pgm").write_bytes(b"P5\n8 6\n65535\n" + DEPTH.astype(">u2").tobytes())
    Image.fromarray((DEPTH / 1000).astype(np.float32)).save(tmp_path / "e.tif")
    np.save(tmp_path / "f.npy", DEPTH)
    np.save(tmp_path / "g.npy", DEPTH.astype(np.float32) / 1000)
    Image.frombytes("I;16B", (8, 6), DEPTH.astype(">u2").tobytes()).save(tmp_path / "h.tif")
    for path in sorted(tmp_path.iterdir()):
        assert np.array_equal(read_depth(path, (8, 6)), DEPTH), path.name


def test_metres_that_are_no_depth_become_none(tmp_path):
    np.save(tmp_path / "n.npy", np.array([[np.nan, np.inf, -1.0], [0.0, 70.0, 1.5]]))
    assert read_depth(tmp_path / "n.npy").tolist() == [[0, 0, 0], [0, 0, 1500]]


def test_what_is_no_depth(tmp_path):
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "rgb.png")
    Image.fromarray(np.full((6, 8), 70000, np.int32)).save(tmp_path / "far.tif")
    (tmp_path / "text.png").write_text("hello")
    for name, message in (
        ("rgb", "one channel"),
        ("far", "16 bits"),
        ("text", "no picture"),
        ("missing", "no such file"),
    ):
        path = next(tmp_path.glob(f"{name}.*"), tmp_path / "missing.png")
        with pytest.raises(FormatError, match=message):
            read_depth(path)


def test_colour_spellings(tmp_path):
    color = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    Image.fromarray(color).save(tmp_path / "a.png")
    Image.fromarray(np.dstack([color, np.full((6, 8), 9, np.uint8)])).save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        assert np.array_equal(read_color(tmp_path / name), color)
    Image.fromarray(color[..., 0].astype(np.uint16) * 257).save(tmp_path / "c.png")
    assert np.array_equal(read_color(tmp_path / "c.png"), np.repeat(color[..., :1], 3, axis=2))


def test_damage(tmp_path, survives_damage):
    Image.fromarray(DEPTH).save(tmp_path / "a.png")
    survives_damage(read_depth, tmp_path / "a.png")


def test_a_picture_that_claims_to_be_huge(tmp_path):
    (tmp_path / "h.pgm").write_bytes(b"P5\n1000000 1000000\n65535\n" + bytes(100))
    with pytest.raises(FormatError):
        read_depth(tmp_path / "h.pgm")
    with pytest.raises(FormatError):
        read_color(tmp_path / "h.pgm")
