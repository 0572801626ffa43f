"""Arrays of samples as streams and back; large pictures in bands of rows that are coded on their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import WEIGHT_ONE, new_apm, new_counters
from geo3d_compression.image import decisions as d
from geo3d_compression.image.near import MOST as MOST_NEAR
from geo3d_compression.image.near import from_steps, to_steps
from geo3d_compression.image.pixels import MEDIAN, NEIGHBOUR, code_samples
from geo3d_compression.image.planes import decode_planes, encode_planes
from geo3d_compression.volume.profiles import Profile

_LAYOUT: tuple[Field, ...] = (
    Choice("profile", ("fast", "best")),
    UInt("height", 1 << 24, low=1),
    UInt("width", 1 << 24, low=1),
    UInt("channels", 4, low=1),
    UInt("highest", 65535, low=1),
    UInt("top", 65535, low=1),
    UInt("near", MOST_NEAR),
    Choice("way", ("planes", "median", "neighbour")),
    Blob("palette", 4 * 256),
)
_BAND_PIXELS = 1 << 20
_MOST_SAMPLES_A_BYTE = 1 << 14
_CONTEXTS = {"fast": 7, "best": 14}
_RATE, _LIMIT = 40, 250
_PREDICTIONS = {"median": MEDIAN, "neighbour": NEIGHBOUR}


def _bands(height: int, width: int) -> list[tuple[int, int]]:
    count = max(1, min(height * width // _BAND_PIXELS, height, 64))
    return list(pairwise(height * i // count for i in range(count + 1)))


def _encode(band: NDArray[Any], highest: int, way: str, profile: Profile) -> bytes:
    # Only bands are widened: a whole picture of 100 Mpixel would take gigabytes.
    rows = _reorder(band).astype(np.int32)
    if way == "planes":
        return encode_planes(rows, highest, profile)
    coder, buffer = new_encoder(36 * rows.size)
    _code_drawing(coder, buffer, True, rows, highest, way, profile)
    return finish(coder, buffer)


def _decode(data: bytes, rows: NDArray[np.int32], highest: int, way: str, profile: Profile) -> None:
    if way == "planes":
        decode_planes(data, rows, highest, profile)
        return
    coder, buffer = new_decoder(data)
    _code_drawing(coder, buffer, False, rows, highest, way, profile)
    check_decoder(coder, buffer, "picture stream")


def _code_drawing(
    coder: NDArray[np.int64], buffer: NDArray[np.uint8], encode: bool, rows: NDArray[np.int32], highest: int, way: str,
    profile: Profile,
) -> None:  # fmt: skip
    work = np.zeros(d.WORK_SIZE, np.int64)
    work[d.BASE], work[d.RATE], work[d.LIMIT] = _CONTEXTS[profile], _RATE, _LIMIT
    weights = np.zeros((d.ROWS_0 + d.ROWS_1 + d.ROWS_2, d.INPUT_COUNT), np.int32)
    weights[:, 0 : 2 * d.ALL_CONTEXTS : 2] = WEIGHT_ONE // 5
    code_samples(
        coder, buffer, encode, rows, highest, _PREDICTIONS[way], new_counters(d.ALL_CONTEXTS << d.TABLE_BITS),
        weights.reshape(-1), np.full(3 * d.FINAL_ROWS, WEIGHT_ONE // 3, np.int32), new_apm(d.APM_ROWS), work,
    )  # fmt: skip


def encode_samples(image: NDArray[Any], profile: Profile = "best", threads: int = 2, near: int = 0) -> bytes:
    """The stream of [H, W, C] samples, uint8 or uint16, C up to 4; `near`: by how much a sample may change."""
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3, 4) or image.dtype not in (np.uint8, np.uint16):
        raise ShapeError(f"a picture is uint8 or uint16 [H, W, 1 to 4], got {image.dtype} {list(image.shape)}")
    if not 0 <= near <= MOST_NEAR:
        raise ShapeError(f"samples may change by 0 to {MOST_NEAR}, got {near}")
    height, width = image.shape[:2]
    top = max(1, int(image.max()) if image.dtype == np.uint16 else 255)
    if near:
        image = to_steps(image, near)
    palette, samples = _indexed(image)
    if palette:
        way, highest = "neighbour", max(1, len(palette) // image.shape[2] - 1)
    else:
        highest = max(1, (top + near) // (2 * near + 1))
        way = "median" if _is_drawing(image) else "planes"
    values = {
        "profile": profile, "height": height, "width": width, "channels": image.shape[2], "highest": highest,
        "top": top, "near": near, "way": way, "palette": palette,
    }  # fmt: skip
    bands = _bands(height, width)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        streams = list(pool.map(lambda ab: _encode(samples[ab[0] : ab[1]], highest, way, profile), bands))
    out = bytearray(pack(_LAYOUT, values))
    for stream in streams:
        put_varint(out, len(stream))
    return bytes(out) + b"".join(streams)


def decode_samples(stream: bytes, threads: int = 2) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """[H, W, C] of a stream: uint8 where no sample is above 255."""
    cursor = Cursor(stream, "picture stream")
    header = unpack(_LAYOUT, cursor)
    height, width, channels = header["height"], header["width"], header["channels"]
    if height * width * channels > _MOST_SAMPLES_A_BYTE * (cursor.left + 16):
        raise BitstreamError(f"a stream of {cursor.left} bytes cannot hold {width}x{height} pixels")
    bands = _bands(height, width)
    lengths = [cursor.varint() for _ in bands]
    parts = [cursor.take(n) for n in lengths]
    cursor.finish()
    palette = np.frombuffer(header["palette"], np.uint8)
    if len(palette) % channels or (len(palette) and header["highest"] != max(1, len(palette) // channels - 1)):
        raise BitstreamError("picture stream has a palette that does not fit its samples")
    narrow = header["top"] < 256
    samples = np.zeros((height, width, 1 if len(palette) else channels), np.uint8 if narrow else np.uint16)

    def decode(job: tuple[tuple[int, int], bytes]) -> None:
        (start, end), data = job
        rows = np.zeros(samples[start:end].shape, np.int32)
        _decode(data, rows, header["highest"], header["way"], header["profile"])
        samples[start:end] = _reorder(rows)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(decode, zip(bands, parts, strict=True)))
    if len(palette):
        colors = palette.reshape(-1, channels)
        result: NDArray[Any] = colors[np.minimum(samples[:, :, 0], len(colors) - 1)]
    else:
        result = samples
    return from_steps(result, header["near"], header["top"]) if header["near"] else result


def _indexed(image: NDArray[Any]) -> tuple[bytes, NDArray[Any]]:
    """The colours of a picture that has at most 256, dark to bright, and the index of each pixel; else no colours."""
    height, channels = image.shape[0], image.shape[2]
    if image.dtype != np.uint8 or channels < 3:
        return b"", image
    if len(np.unique(_packed(image[:: max(1, height // 64)]))) > 256:
        return b"", image
    found = np.zeros(0, np.uint32)
    for rows in _strips(image):
        found = np.union1d(found, _packed(rows))
        if len(found) > 256:
            return b"", image
    colors = np.stack([found >> np.uint32(8 * c) & np.uint32(255) for c in range(channels)], axis=1)
    order = np.argsort(colors[:, :3].sum(1), kind="stable")
    rank = np.argsort(order, kind="stable")
    rank = rank.astype(np.uint8)
    indices = np.concatenate([rank[np.searchsorted(found, _packed(rows))] for rows in _strips(image)])
    return colors[order].astype(np.uint8).tobytes(), indices[:, :, None]


def _strips(image: NDArray[Any]) -> list[NDArray[Any]]:
    """Rows of at most a band's pixels or so: packed colours of a whole large picture would take gigabytes."""
    step = max(1, _BAND_PIXELS // image.shape[1])
    return [image[a : a + step] for a in range(0, len(image), step)]


def _packed(image: NDArray[Any]) -> NDArray[np.uint32]:
    """[H, W] colours as numbers."""
    packed = np.zeros(image.shape[:2], np.uint32)
    for c in range(image.shape[2]):
        packed |= image[:, :, c].astype(np.uint32) << np.uint32(8 * c)
    return packed


def _is_drawing(image: NDArray[Any]) -> bool:
    """Most samples equal their left neighbour: no camera does that."""
    if image.shape[1] < 2:
        return False
    same = sum(int(np.count_nonzero(row[1:] == row[:-1])) for row in image)
    return same > 0.6 * (image.size - image[:, 0].size)


def _reorder(image: NDArray[Any]) -> NDArray[Any]:
    """Green first, because it tells most about the others; its own inverse."""
    order = [1, 0, *range(2, image.shape[2])]
    return np.ascontiguousarray(image[:, :, order]) if image.shape[2] >= 3 else np.ascontiguousarray(image)
