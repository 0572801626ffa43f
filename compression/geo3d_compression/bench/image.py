"""`geo3d bench image`: JPEG files and lossless pictures, decoded and compared, beside JPEG XL, WebP and PNG."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row, Suite
from geo3d.errors import Geo3DError

# The pictures that the priors were not trained on (see jpeg/priors.md): every fifth, from the third.
_HELD_OUT = slice(2, None, 5)
# Pictures of each set; all where GEO3D_BENCH_PICTURES=0.
_PICTURES = 8


def _rows(data: Path | None) -> Iterator[Row]:
    if data is None:
        raise Geo3DError("geo3d bench image needs --data: a folder of pictures (or the development data)")
    limit = int(os.environ.get("GEO3D_BENCH_PICTURES", _PICTURES)) or None
    if (data / "vid" / "images_free").is_dir():
        free = sorted((data / "vid" / "images_free").iterdir())[_HELD_OUT]
        photographs = sorted((data / "vid" / "images_bsds").glob("*.jpg"))
        files = {"photographs (BSDS, as they are)": [p.read_bytes() for p in photographs[:limit]]}
        files["photographs (free, held out, libjpeg)"] = [_as_jpeg(p, i) for i, p in enumerate(free[:limit])]
        lossless = {"photographs (free, held out)": [_pixels(p) for p in free if p.suffix == ".webp"][:limit]}
    else:
        found = sorted(p for p in data.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))[:limit]
        files = {"JPEG files": [p.read_bytes() for p in found if p.suffix.lower() in (".jpg", ".jpeg")]}
        lossless = {"pictures": [_pixels(p) for p in found if p.suffix.lower() in (".png", ".webp")]}
    lossless["screens and drawings (made here)"] = list(drawings())[:limit]
    for name, jpegs in files.items():
        yield from _jpeg_rows(name, jpegs)
    for name, pictures in lossless.items():
        yield from _lossless_rows(name, pictures)


def _jpeg_rows(name: str, files: list[bytes]) -> Iterator[Row]:
    from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any

    methods: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
        f"geo3d {profile}": (lambda d, p=profile: encode_bytes_any(d, p, 1), lambda s: decode_bytes_any(s, 1))  # type: ignore[misc]
        for profile in ("fast", "best")
    }
    codecs = _imagecodecs()
    if codecs is not None:
        methods["JPEG XL transcode"] = (
            lambda d: bytes(codecs.jpegxl_encode_jpeg(d)),
            lambda s: bytes(codecs.jpegxl_decode_jpeg(s, numthreads=1)),
        )
    pixels = sum(int(np.prod(_size(f))) for f in files)
    for method, (encode, decode) in methods.items():
        size, seconds = _measure(files, encode, decode, lambda a, b: a == b)
        yield _row(name, method, len(files), size, sum(map(len, files)), pixels, seconds)


def _lossless_rows(name: str, pictures: list[NDArray[np.uint8]]) -> Iterator[Row]:
    from geo3d_compression.image.lossless import decode_samples, encode_samples

    methods: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
        f"geo3d {profile}": (lambda x, p=profile: encode_samples(x, p, 1), lambda s: decode_samples(s, 1))  # type: ignore[misc]
        for profile in ("fast", "best")
    }
    codecs = _imagecodecs()
    if codecs is not None:
        for effort in (7, 9):
            methods[f"JPEG XL e{effort}"] = (
                lambda x, e=effort: bytes(codecs.jpegxl_encode(x, lossless=True, effort=e, numthreads=1)),  # type: ignore[misc]
                lambda s: codecs.jpegxl_decode(s, numthreads=1),
            )
        methods["WebP lossless"] = (
            lambda x: bytes(codecs.webp_encode(x, lossless=True, method=6)),
            lambda s: codecs.webp_decode(s),
        )
        methods["PNG"] = (lambda x: bytes(codecs.png_encode(x, level=9)), lambda s: codecs.png_decode(s))
    pixels = sum(p.shape[0] * p.shape[1] for p in pictures)
    for method, (encode, decode) in methods.items():
        size, seconds = _measure(pictures, encode, decode, lambda a, b: np.array_equal(a, b[..., : a.shape[2]]))
        yield _row(name, method, len(pictures), size, sum(p.size for p in pictures), pixels, seconds)


def _measure(
    inputs: list[Any], encode: Callable[[Any], bytes], decode: Callable[[bytes], Any], same: Callable[[Any, Any], bool]
) -> tuple[int, tuple[float, float]]:
    """Bytes of all streams, and CPU seconds to encode and decode; the first input also warms up the code."""
    decode(encode(inputs[0]))
    size, encoding, decoding = 0, 0.0, 0.0
    for x in inputs:
        start = time.process_time()
        stream = encode(x)
        middle = time.process_time()
        y = decode(stream)
        encoding, decoding = encoding + middle - start, decoding + time.process_time() - middle
        if not same(x, y):
            raise Geo3DError("a decoded picture differs from the original")
        size += len(stream)
    return size, (encoding, decoding)


def _row(
    name: str, method: str, count: int, size: int, original: int, pixels: int, seconds: tuple[float, float]
) -> Row:
    return {
        "set": name, "method": method, "pictures": count, "bytes": size, "ratio": size / original,
        "bpp": 8 * size / pixels, "enc_mpx_s": pixels / 1e6 / max(seconds[0], 1e-9),
        "dec_mpx_s": pixels / 1e6 / max(seconds[1], 1e-9),
    }  # fmt: skip


def _imagecodecs() -> Any:
    try:
        import imagecodecs
    except ImportError:
        return None
    return imagecodecs


def _pixels(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.ascontiguousarray(picture.convert("RGB"))


def _size(data: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


def _as_jpeg(path: Path, number: int) -> bytes:
    """A JPEG file of a photograph: halved where it was JPEG before; qualities and subsamplings in turn."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
        if path.suffix == ".jpg":
            rgb = rgb.resize((rgb.width // 2, rgb.height // 2), Image.Resampling.LANCZOS)
        quality = (92, 75, 95, 85, 60, 90, 97, 80)[number % 8]
        rgb.save(out, "JPEG", quality=quality, subsampling=(2, 0, 2, 1)[number % 4])
    return out.getvalue()


def drawings() -> Iterator[NDArray[np.uint8]]:
    """Screens and flat art without a data set: windows with text, a chart, a dithered gradient, line art."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(11)
    words = ["point", "cloud", "frame", "depth", "pose", "scan", "mesh", "camera", "bits", "voxel", "residual", "of"]
    for theme in ((255, 30), (40, 220)):
        picture = Image.new("RGB", (640, 400), (theme[0],) * 3)
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, 0, 639, 24), fill=(60, 110, 190))
        for y in range(34, 390, 12):
            text = " ".join(rng.choice(words, int(rng.integers(3, 14))))
            draw.text((12 + 8 * int(rng.integers(0, 3)), y), text, fill=(theme[1],) * 3)
        for y in range(60, 380, 80):
            draw.rectangle((500, y, 620, y + 50), outline=(120, 120, 120), fill=(235, 225, 200))
            draw.text((510, y + 18), str(rng.choice(words)), fill=(0, 0, 0))
        yield np.asarray(picture)
    chart = Image.new("RGB", (640, 400), (255, 255, 255))
    draw = ImageDraw.Draw(chart)
    for y in range(40, 380, 40):
        draw.line((40, y, 620, y), fill=(220, 220, 220))
        draw.text((10, y - 6), str(380 - y), fill=(80, 80, 80))
    for k, color in enumerate(((200, 40, 40), (40, 120, 200), (30, 160, 60))):
        walk = 200 + np.cumsum(rng.normal(0, 4 + k, 145))
        draw.line([(40 + 4 * i, float(np.clip(v, 40, 380))) for i, v in enumerate(walk)], fill=color, width=2)
    yield np.asarray(chart)
    art = Image.new("RGB", (512, 512), (250, 240, 220))
    draw = ImageDraw.Draw(art)
    for _ in range(60):
        x, y, r = (int(v) for v in rng.integers(10, 480, 3))
        draw.ellipse(
            (x, y, x + r // 5, y + r // 5), fill=tuple(int(c) for c in rng.integers(0, 8, 3) * 32), outline=(0, 0, 0)
        )
    yield np.asarray(art)
    y, x = np.mgrid[:256, :512]
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])[y % 4, x % 4]
    yield np.repeat(((x * 16 // 512 * 16 + bayer > 128) * 255).astype(np.uint8)[:, :, None], 3, 2)


def _summary(rows: list[Row]) -> list[Row]:
    """Ours over the best peer of each set."""
    result = []
    for name in dict.fromkeys(r["set"] for r in rows):
        peers = [r for r in rows if r["set"] == name and not r["method"].startswith("geo3d")]
        ours = min(r["bytes"] for r in rows if r["set"] == name and r["method"].startswith("geo3d"))
        if peers:
            best = min(peers, key=lambda r: r["bytes"])
            result.append({"set": name, "method": f"geo3d / {best['method']}", "ratio": ours / best["bytes"]})
    return result


SUITE: Suite = {
    "description": "JPEG files exactly and pictures losslessly, against JPEG XL, WebP and PNG",
    "columns": ["set", "method", "pictures", "bytes", "ratio", "bpp", "enc_mpx_s", "dec_mpx_s"],
    "rows": _rows,
    "summary": _summary,
}
