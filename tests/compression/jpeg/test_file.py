"""JPEG files of every kind that libjpeg writes come back byte for byte; others are refused in one sentence."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from compression_pictures import jpeg
from geo3d_compression.jpeg.file import parse, rebuild
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from geo3d.errors import FormatError

KINDS = {
    "default": {},
    "grey": {"mode": "L"},
    "cmyk": {"mode": "CMYK"},
    "444": {"subsampling": 0, "quality": 95},
    "422": {"subsampling": 1},
    "420_low": {"subsampling": 2, "quality": 8},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive_high": {"progressive": True, "quality": 97, "subsampling": 0},
    "progressive_grey": {"progressive": True, "mode": "L"},
    "restart_blocks": {"restart_marker_blocks": 3},
    "restart_rows": {"restart_marker_rows": 1},
    "progressive_restart": {"progressive": True, "restart_marker_blocks": 7},
    "metadata": {"exif": b"Exif\0\0MM\0*" + bytes(300), "icc_profile": bytes(range(256)) * 300, "comment": b"hello"},
    "flat": {"quality": 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back(kind: str) -> None:
    data = jpeg(**KINDS[kind])
    assert rebuild(parse(data)) == data


def test_odd_ends_come_back() -> None:
    data = jpeg()
    for odd in (data + b"trailing bytes", data + data, data[:-2], data[:2] + b"\xff\xff" + data[3:]):
        assert rebuild(parse(odd)) == odd


def test_coefficients_are_those_of_the_picture() -> None:
    """The DC coefficients of a grey picture are its block means."""
    data = jpeg("L", quality=100)
    file = parse(data)
    pixels = np.asarray(Image.open(io.BytesIO(data)), float)
    mean = pixels[:56, :80].reshape(7, 8, 10, 8).mean((1, 3))
    dc = file.planes[0].coefs[:7, :10, 0] * file.planes[0].table[0] / 8 + 128
    assert np.abs(mean - dc).max() < 1


def test_truncated_files_are_refused_or_come_back() -> None:
    data = jpeg(progressive=True)
    for length in range(0, len(data), 37):
        try:
            file = parse(data[:length])
        except FormatError:
            continue
        assert rebuild(file) == data[:length]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["default", "progressive", "restart_blocks"]), st.data())
def test_damaged_files_never_crash(kind: str, draw: st.DataObject) -> None:
    data = bytearray(jpeg(**KINDS[kind]))
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        rebuild(parse(bytes(data)))
