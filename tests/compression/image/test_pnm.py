"""PGM and PPM files come back byte for byte, coded by their samples; damaged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_compression.image.pnm import parse_pnm
from geo3d_compression.image.raw import rebuild_raw
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any, method_of

from geo3d.errors import FormatError


def pnm(channels: int, highest: int, header: bytes = b"P%d\n# made here\n%d %d\n%d\n") -> bytes:
    y, x = np.mgrid[:40, :50]
    noise = np.random.default_rng(1).integers(0, 9, (40, 50, channels))
    samples = ((x + y)[:, :, None] * (highest // 120) + noise) % (highest + 1)
    body = samples.astype(np.uint8 if highest < 256 else ">u2").tobytes()
    return header % (5 if channels == 1 else 6, 50, 40, highest) + body


@pytest.mark.parametrize(("channels", "highest"), [(1, 255), (3, 255), (3, 200), (1, 65535), (3, 1023)])
def test_comes_back(channels: int, highest: int) -> None:
    for data in (pnm(channels, highest), pnm(channels, highest) + b"trailing"):
        assert rebuild_raw(parse_pnm(data)) == data
        stream = encode_bytes_any(data, "fast")
        assert method_of(stream) == "pnm"
        assert decode_bytes_any(stream) == data
        assert len(stream) < 0.7 * len(data)


def test_damaged_files_are_stored_or_refused() -> None:
    data = pnm(3, 255)
    for bad in (data[:100], b"P6", b"P6 0 5 255\n", b"P6 9999999 9999999 255\n", b"P5 2 2 70000\nabcd"):
        with pytest.raises(FormatError, match=r"PNM|PGM"):
            parse_pnm(bad)
        assert decode_bytes_any(encode_bytes_any(bad)) == bad
