"""Pictures: PNG files of every kind byte for byte, samples exact, hostile files refused in one sentence."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from compression_damage import damaged
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.image import codec
from geo3d_compression.image.lossless import decode_samples, encode_samples
from geo3d_compression.image.png import parse_png, rebuild_png
from geo3d_compression.image.stored import decode_bytes_any, decode_png, encode_bytes_any, encode_png, method_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from geo3d.errors import BitstreamError, FormatError, Geo3DError


def samples(height: int = 61, width: int = 83, channels: int = 3, high: int = 255) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(3).integers(0, 9, (channels, height, width)) * (1 + high // 600)
    planes = [(x * (2 + c) + y * y // 9 + 40 + noise[c]) % (high + 1) for c in range(channels)]
    return np.stack(planes, -1).astype(np.uint16 if high > 255 else np.uint8)


def png(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", **options)
    return out.getvalue()


def pictures() -> dict[str, bytes]:
    rgb = Image.fromarray(samples())
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a picture")
    return {
        "rgb": png(rgb),
        "optimised": png(rgb, optimize=True),
        "level1": png(rgb, compress_level=1),
        "rgba": png(Image.fromarray(samples(channels=4))),
        "grey": png(Image.fromarray(samples(channels=1)[:, :, 0])),
        "grey_alpha": png(Image.fromarray(samples(channels=2), "LA")),
        "deep": png(Image.fromarray(samples(channels=1, high=40000)[:, :, 0])),
        "palette": png(rgb.quantize(16)),
        "bits1": png(rgb.convert("1")),
        "text": png(rgb, pnginfo=info, icc_profile=bytes(500), exif=b"Exif\0\0MM\0*" + bytes(50)),
        "trailing": png(rgb) + b"tail",
        "one_pixel": png(rgb.crop((0, 0, 1, 1))),
    }


PICTURES = pictures()


@pytest.mark.parametrize("kind", PICTURES)
def test_png_comes_back_byte_for_byte(kind: str) -> None:
    data = PICTURES[kind]
    stream = encode_bytes_any(data, "best")
    assert decode_bytes_any(stream) == data
    assert len(stream) <= len(data) + 1
    assert decode_png(encode_png(data, "fast")) == (data, True)


@pytest.mark.parametrize("kind", ["rgb", "rgba", "grey", "level1"])
def test_blocks_of_rows_make_no_difference(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large pictures are filtered and packed in blocks of rows; here of one to three."""
    data, whole = PICTURES[kind], parse_png(PICTURES[kind])
    monkeypatch.setattr("geo3d_compression.image.png._BLOCK", 700)
    cut = parse_png(data)
    assert np.array_equal(cut.samples, whole.samples)
    assert cut.deflate == whole.deflate
    assert rebuild_png(cut) == data


def test_a_foreign_deflate_stream_keeps_its_samples() -> None:
    """Stored deflate blocks of odd sizes come from no zlib setting."""
    data = PICTURES["grey"]
    file = parse_png(data)
    at = data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at], "big")
    raw = zlib.decompress(data[at + 4 : at + 4 + length])
    packed = b"\x78\x01"
    for i in range(0, len(raw), 100):
        part = raw[i : i + 100]
        packed += struct.pack("<BHH", i + 100 >= len(raw), len(part), len(part) ^ 0xFFFF) + part
    packed += struct.pack(">I", zlib.adler32(raw))
    body = b"IDAT" + packed
    foreign = file.before + struct.pack(">I", len(packed)) + body + struct.pack(">I", zlib.crc32(body)) + file.after
    again = parse_png(foreign)
    assert again.deflate.level == 0
    assert np.array_equal(parse_png(rebuild_png(again)).samples, file.samples)


@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize(("channels", "high"), [(1, 255), (3, 255), (4, 255), (1, 65535), (3, 5000)])
def test_samples_come_back(profile: str, channels: int, high: int) -> None:
    image = samples(channels=channels, high=high)
    assert np.array_equal(decode_samples(encode_samples(image, profile)), image)


def test_drawings_come_back() -> None:
    """Palettes of 2, 256 and 257 colours, alpha included, and flat areas with lines."""
    rng = np.random.default_rng(5)
    for count in (1, 2, 256, 257):
        colors = rng.permutation(1 << 16)[:count]
        index = rng.integers(0, count, (30, 40))
        index[:6, :] = np.minimum(np.arange(240).reshape(6, 40), count - 1)
        for channels in (3, 4):
            image = np.stack([(colors[index] >> (4 * c)) & 255 for c in range(channels)], -1).astype(np.uint8)
            assert np.array_equal(decode_samples(encode_samples(image, "fast")), image)
    lines = np.full((50, 60, 3), 255, np.uint8)
    lines[10:40:5] = 0
    lines[:, 20] = np.arange(150).reshape(50, 3)
    assert np.array_equal(decode_samples(encode_samples(lines)), lines)


def test_noise_and_extremes_come_back() -> None:
    image = np.random.default_rng(1).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    image[5:9] = 0
    image[9:12] = 65535
    assert np.array_equal(decode_samples(encode_samples(image)), image)


def test_flat_pictures_cost_next_to_nothing() -> None:
    image = np.full((64, 64, 3), 200, np.uint8)
    assert len(encode_samples(image)) < 60


def test_bands_do_not_depend_on_threads() -> None:
    image = np.zeros((2048, 1024, 1), np.uint8)
    image[::37, ::11] = 9
    one = encode_samples(image, "fast", 1)
    assert one == encode_samples(image, "fast", 2)
    assert np.array_equal(decode_samples(one, 1), decode_samples(one, 2))


@cache
def _stream() -> bytes:
    return encode_bytes_any(PICTURES["palette"], "fast")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_streams_are_refused_or_harmless(draw: st.DataObject) -> None:
    data = damaged(draw, _stream())
    with contextlib.suppress(BitstreamError, FormatError):
        decode_bytes_any(data)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_png_files_come_back_or_are_refused(draw: st.DataObject) -> None:
    data = bytearray(PICTURES["one_pixel"])
    for _ in range(3):
        data[draw.draw(st.integers(8, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        parse_png(bytes(data))


def test_any_bytes_come_back() -> None:
    jpeg = io.BytesIO()
    Image.fromarray(samples()).save(jpeg, "JPEG")
    for data in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", jpeg.getvalue()[:400], bytes(1000), PICTURES["rgb"][:300]):
        assert decode_bytes_any(encode_bytes_any(data)) == data


def test_through_a_container(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES["rgb"])
    with ContainerWriter() as writer:
        outcome = codec.compress(tmp_path / "a.png", writer, "a.png", Request("best"))
        data = writer.to_bytes()
    assert outcome.count == 61 * 83
    with Container(data) as container:
        assert codec.describe(container, 0)["method"] == method_of(encode_bytes_any(PICTURES["rgb"]))
        codec.decompress(container, 0, tmp_path / "b.png", View())
    assert (tmp_path / "b.png").read_bytes() == PICTURES["rgb"]


def test_lossy(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs", reason="AVIF needs imagecodecs")
    (tmp_path / "a.png").write_bytes(PICTURES["rgb"])
    with ContainerWriter() as writer:
        outcome = codec.compress(tmp_path / "a.png", writer, "a.png", Request(quality=90))
        data = writer.to_bytes()
    assert outcome.details["psnr"] > 25
    with Container(data) as container:
        codec.decompress(container, 0, tmp_path / "b.png", View())
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.size == (83, 61)
    with ContainerWriter() as writer, pytest.raises(Geo3DError, match="--quality must be from 1 to 100"):
        codec.compress(tmp_path / "a.png", writer, "a.png", Request(quality=0))


def test_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    with ContainerWriter() as writer, pytest.raises(FormatError, match="no picture"):
        codec.compress(tmp_path / "a.png", writer, "a.png", Request())
