"""The JPEG stream: exact, smaller than the peer's model could be by chance, and safe against damaged input."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from compression_damage import damaged
from compression_pictures import jpeg
from geo3d_compression.jpeg import codec
from geo3d_compression.jpeg.codec import decode_jpeg, encode_jpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import BitstreamError, FormatError

KINDS = {
    "default": {},
    "grey": {"mode": "L"},
    "cmyk": {"mode": "CMYK"},
    "444": {"subsampling": 0, "quality": 95},
    "422": {"subsampling": 1},
    "extremes": {"quality": 100, "subsampling": 0},
    "progressive": {"progressive": True},
    "restart": {"restart_marker_blocks": 3},
    "tiny": {"size": (1, 1)},
    "metadata": {"exif": b"Exif\0\0MM\0*" + bytes(300), "comment": b"hello"},
}


@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize("kind", KINDS)
def test_comes_back(kind: str, profile: str) -> None:
    data = jpeg(**KINDS[kind])
    stream = encode_jpeg(data, profile)
    assert len(stream) < 0.9 * len(data)
    assert decode_jpeg(stream) == data


def test_odd_padding_and_trailing_bytes_come_back() -> None:
    data = jpeg("L")
    for odd in (data + b"tail", data[:-2]):
        assert decode_jpeg(encode_jpeg(odd)) == odd


def test_bands_do_not_depend_on_threads() -> None:
    data = jpeg(size=(1536, 1400), quality=3)
    one, two = encode_jpeg(data, "fast", threads=1), encode_jpeg(data, "fast", threads=2)
    assert one == two
    assert decode_jpeg(one, threads=1) == decode_jpeg(one, threads=2) == data


def test_what_cannot_be_rebuilt_is_refused() -> None:
    data = jpeg()
    with pytest.raises(FormatError, match="JPEG"):
        encode_jpeg(data[: len(data) // 2])
    with pytest.raises(FormatError, match="JPEG"):
        encode_jpeg(data.replace(b"\xff\xc0", b"\xff\xc9"))
    with pytest.raises(FormatError, match="not a JPEG"):
        encode_jpeg(b"")


@pytest.mark.parametrize("broken", ["decode_planes", "rebuild", "decode_bytes"])
def test_a_stream_that_does_not_come_back_is_refused(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, right = jpeg(), getattr(codec, broken)

    def wrong(*args: Any, **options: Any) -> Any:
        result = right(*args, **options)
        if broken == "decode_planes":
            args[1][77] += 1
        return result if broken == "decode_planes" else result[:-1] + bytes([result[-1] ^ 1])

    monkeypatch.setattr(codec, broken, wrong)
    with pytest.raises(FormatError, match="does not come back exactly"):
        encode_jpeg(data)


def test_a_large_claim_in_a_small_file_is_refused() -> None:
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\x40\x00\x40\x00"
    with pytest.raises(FormatError, match="does not fit"):
        encode_jpeg(bytes(data))


@cache
def _stream() -> bytes:
    return encode_jpeg(jpeg(size=(48, 40)))


def test_a_difference_without_a_code_is_refused() -> None:
    # Decodes to a DC difference that the file's Huffman table has no code for: once written past the buffer's end.
    for change in range(1, 32):
        data = bytearray(_stream())
        data[127] ^= change
        with contextlib.suppress(BitstreamError):
            assert decode_jpeg(bytes(data)) == decode_jpeg(_stream())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_streams_are_refused(draw: st.DataObject) -> None:
    data = damaged(draw, _stream())
    with contextlib.suppress(BitstreamError):
        assert decode_jpeg(data) == decode_jpeg(_stream())


def test_a_fresh_process_decodes(tmp_path) -> None:
    (tmp_path / "s").write_bytes(_stream())
    code = (
        "import sys, hashlib; from geo3d_compression.jpeg.codec import decode_jpeg;"
        f"print(hashlib.sha256(decode_jpeg(open({str(tmp_path / 's')!r}, 'rb').read())).hexdigest())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == hashlib.sha256(jpeg(size=(48, 40))).hexdigest()
