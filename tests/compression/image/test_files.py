"""Pictures of other formats: coded by their samples, back byte for byte; or with bounded errors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compression_pictures import picture
from geo3d_compression.codecs import codec_for
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.image import codec
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any, method_of
from PIL import Image

from geo3d.errors import FormatError, Geo3DError


def photo(dtype: type = np.uint8) -> np.ndarray:
    """[40, 48, 3] smooth and noisy samples from integers."""
    y, x = np.mgrid[:40, :48]
    noise = [(x * 7919 ^ y * 104729 ^ c * 31 * x * y) // 8 % 9 for c in range(3)]
    samples = np.stack([60 + 2 * x + y * c + noise[c] for c in range(3)], -1)
    return (samples * (1 if dtype == np.uint8 else 200)).astype(dtype)


def tiff(**options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(photo()).save(out, "TIFF", **options)
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def webp(**options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(photo()).save(out, "WEBP", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("tiff", tiff()),
        ("packed tiff", tiff(compression="tiff_adobe_deflate")),
        ("npy", npy(photo(np.uint16))),
        ("npy", npy(photo()[:, :, 0])),
        ("webp", webp(lossless=True, exif=b"Exif\0\0some notes")),
    ],
)
def test_files_come_back(method: str, data: bytes) -> None:
    stream = encode_bytes_any(data, "fast")
    assert method_of(stream) == method
    assert decode_bytes_any(stream) == data
    assert len(stream) < (1.0 if method == "webp" else 0.8) * len(data)


@pytest.mark.parametrize("data", [tiff(compression="tiff_lzw"), webp(quality=80), tiff()[:900], npy(photo())[:-5]])
def test_what_is_not_taken_apart_is_kept(data: bytes) -> None:
    stream = encode_bytes_any(data, "fast")
    assert method_of(stream) in ("stored", "deflate", "bytes")
    assert decode_bytes_any(stream) == data


def run(path: Path, target: Path, request: Request) -> dict[str, Any]:
    with ContainerWriter() as writer:
        outcome = codec.compress(path, writer, path.name, request)
        data = writer.to_bytes()
    with Container(data) as container:
        codec.decompress(container, 0, target, View())
        assert codec.describe(container, 0)["max_error"] == request.near
    return {**outcome.details, "bytes": len(data)}


def test_errors_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(photo()).save(path)
    exact = run(path, tmp_path / "exact.png", Request("fast"))
    for near in (1, 4):
        near_run = run(path, tmp_path / f"{near}.png", Request("fast", near=near))
        decoded = np.asarray(Image.open(tmp_path / f"{near}.png")).astype(int)
        assert 0 < np.abs(decoded - photo()).max() <= near
        assert near_run["bytes"] < 0.8 * exact["bytes"]
        assert near_run["exact"] is False
    wide = tmp_path / "wide.npy"
    np.save(wide, photo(np.uint16))
    run(wide, tmp_path / "wide-out.npy", Request("fast", near=100))
    assert np.abs(np.load(tmp_path / "wide-out.npy").astype(int) - photo(np.uint16)).max() <= 100


def test_what_near_does_not_take(tmp_path: Path) -> None:
    palette = tmp_path / "palette.png"
    picture(40, 30).quantize(16).save(palette)
    jpeg = tmp_path / "a.jpg"
    picture(40, 30).save(jpeg)
    with pytest.raises(FormatError, match="palette"):
        run(palette, tmp_path / "b", Request("fast", near=1))
    with pytest.raises(FormatError, match="only PNG"):
        run(jpeg, tmp_path / "b", Request("fast", near=1))
    with pytest.raises(Geo3DError, match="without --lossless"):
        run(palette, tmp_path / "b", Request("fast", near=1, lossless=True))


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"),
    [
        ((40, 50), np.uint8, "image"),
        ((40, 50, 3), np.uint16, "image"),
        ((40, 50, 60), np.uint16, "volume"),
        ((4000, 3), np.uint16, "cloud"),
        ((40, 50), np.float32, "cloud"),
    ],
)
def test_arrays_by_what_they_hold(tmp_path: Path, shape: tuple[int, ...], dtype: type, kind: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, dtype))
    assert codec_for(tmp_path / "a.npy") == kind
