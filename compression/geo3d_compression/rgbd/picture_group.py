"""A group of PNG colour frames as one stream: the lossless mixture, with the warped earlier frames as experts.

    group = header with the shells (coded) | for each frame its references | for each channel: length, stream

Green first.  Each channel sees itself warped from the references (all of them blended; green also the nearest alone)
and the channel that was coded before it; the first frame sees no more than that.  The models learn through the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image.png import PALETTE, PngFile, header_of
from geo3d_compression.rgbd.motion import Calibration
from geo3d_compression.rgbd.predict import CodedFrame, Reference, positions_of
from geo3d_compression.rgbd.references import Packed, pack_references, read_references, unpack_reference
from geo3d_compression.rgbd.samples import SAMPLE_ONE
from geo3d_compression.rgbd.search import SeenFrame, find_references, luma_pyramid
from geo3d_compression.rgbd.shells import shell, unshell
from geo3d_compression.rgbd.views import kept_frames
from geo3d_compression.rgbd.warp import depth_in_color, sample
from geo3d_compression.video.exact import PlaneCoder
from geo3d_compression.volume.profiles import Profile

_VERSION = 1
_HEADER: tuple[Field, ...] = (
    UInt("version", _VERSION, low=_VERSION),
    Choice("profile", ("fast", "best")),
    UInt("height", 1 << 14, low=1),
    UInt("width", 1 << 14, low=1),
    UInt("channels", 3, low=1),
    UInt("shells length", 1 << 30),
    Blob("shells", 1 << 30),
)
# Samples that one byte of a stream can stand for at most (a decoder that is promised more refuses).
_MOST_SAMPLES_A_BYTE = 1 << 14
_WANTED = {"fast": 1, "best": 2}
_HIGHEST = 255
_BITS = 8
Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """A PNG colour frame to code: taken apart, the depth in front of it, and its camera's pose if known."""

    file: PngFile
    depth: NDArray[np.uint16] | None
    T_world_color: NDArray[np.float64] | None


@dataclass(frozen=True)
class _Whole:
    """A plane of full resolution (see `predict.Sampled`)."""

    horizontal: int = 1
    vertical: int = 1


def takes(file: PngFile) -> bool:
    """Whether a PNG file is coded in groups: 8 bits, grey or RGB (no palette), and its deflate settings are known."""
    palette = header_of(file.before)[3] == PALETTE
    return file.bits == _BITS and file.samples.shape[2] in (1, 3) and file.deflate.level > 0 and not palette


def encode_picture_group(frames: Sequence[SourcePicture], calibration: Calibration, profile: Profile) -> bytes:
    """The stream of a group of files of one size that `takes` accepts."""
    height, width, channels = frames[0].file.samples.shape
    coders = [PlaneCoder((height, width), _HIGHEST, profile, None) for _ in range(channels)]
    history: list[SeenFrame] = []
    shells, references_of = bytearray(), bytearray()
    for t, frame in enumerate(frames):
        shells += shell(frame.file)
        planes = _planes(frame.file.samples)
        z = depth_in_color(frame.depth, calibration, height, width)
        coded = _coded(planes, z)
        here = SeenFrame(coded, luma_pyramid(coded), frame.T_world_color)
        found = find_references([_Whole()] * channels, here, history, calibration.color, _WANTED[profile])
        references_of += pack_references(found)
        warped = _warped(z, calibration, found, [h.coded for h in history], channels)
        _code(coders, t, planes, warped)
        history = [*history, here][-kept_frames(coded.layout) :]
    values = {
        "version": _VERSION, "profile": profile, "height": height, "width": width, "channels": channels,
        "shells length": len(shells), "shells": encode_bytes(bytes(shells)),
    }  # fmt: skip
    out = bytearray(pack(_HEADER, values)) + references_of
    for coder in coders:
        stream = coder.finish()
        put_varint(out, len(stream))
        out += stream
    return bytes(out)


def decode_picture_group(
    data: bytes, depths: Sequence[Callable[[], NDArray[np.uint16] | None]], calibration: Calibration
) -> list[bytes]:
    """The files of a group; `depths`: for each frame a function that gives its depth picture."""
    cursor = Cursor(data, "group of PNG frames")
    h = unpack(_HEADER, cursor)
    height, width, channels = h["height"], h["width"], h["channels"]
    packed: list[list[Packed]] = [read_references(cursor, t) for t in range(len(depths))]
    streams = [cursor.take(cursor.varint()) for _ in range(channels)]
    cursor.finish()
    if len(depths) * height * width * channels > _MOST_SAMPLES_A_BYTE * (sum(map(len, streams)) + 64):
        raise BitstreamError(
            f"a group of {len(data)} bytes cannot hold {len(depths)} frames of {width}x{height} pixels"
        )
    shells = Cursor(decode_bytes(h["shells"], h["shells length"]), "shells of PNG frames")
    coders = [PlaneCoder((height, width), _HIGHEST, h["profile"], s) for s in streams]
    history: list[CodedFrame] = []
    files = []
    for t, depth in enumerate(depths):
        z = depth_in_color(depth(), calibration, height, width)
        if any(r["back"] > len(history) for r, _ in packed[t]):
            raise BitstreamError("a colour frame refers to a frame that is not kept any more")
        references = [unpack_reference(r, height, width) for r in packed[t]]
        planes = _code(coders, t, None, _warped(z, calibration, references, history, channels))
        files.append(unshell(shells, np.stack(planes, -1)[:, :, list(_order(channels))], _BITS))
        coded = _coded(planes, z)
        history = [*history, coded][-kept_frames(coded.layout) :]
    shells.finish()
    for coder in coders:
        coder.finish()
    return files


def _order(channels: int) -> tuple[int, ...]:
    """Green first, because it tells most about the others; its own inverse."""
    return (1, 0, 2) if channels == 3 else (0,)


def _planes(samples: NDArray[Any]) -> list[NDArray[np.uint8]]:
    return [np.ascontiguousarray(samples[:, :, c]).astype(np.uint8) for c in _order(samples.shape[2])]


def _coded(planes: Sequence[NDArray[Any]], z: Real) -> CodedFrame:
    """A frame that later ones may be predicted from: level-shifted sixteenths, like the samples of JPEG frames."""
    height, width = planes[0].shape
    samples = tuple(((p.astype(np.int16) - 128) * SAMPLE_ONE).astype(np.int16) for p in planes)
    return CodedFrame(samples, z, (width, height, *(1,) * (2 * len(planes))))


def _warped(
    z: Real, calibration: Calibration, references: Sequence[Reference], history: Sequence[CodedFrame], channels: int
) -> list[tuple[Real, Real]]:
    """Each channel as all references show it, and as the first one does, in grey levels; empty without references."""
    if not references:
        return []
    totals = np.zeros((channels, *z.shape), np.int32)
    weights = np.zeros_like(totals)
    nearest = np.zeros((channels, *z.shape))
    for number, r in enumerate(references):
        there = history[-r.back]
        out, seen = positions_of(z, there, calibration.color, r.motion, r.grid)
        for c in range(channels):
            sample(there.samples[c], out, seen, 1, 1, r.gain, r.bias, r.share, totals[c], weights[c])
        if number == 0:
            nearest = _grey(totals, weights)
    return list(zip(_grey(totals, weights), nearest, strict=True))


def _grey(totals: NDArray[np.int32], weights: NDArray[np.int32]) -> Real:
    # Sixteenths: exact in floating point.
    return (totals // weights).astype(np.float64) / SAMPLE_ONE + 128


def _code(
    coders: Sequence[PlaneCoder], t: int, planes: Sequence[NDArray[np.uint8]] | None, warped: list[tuple[Real, Real]]
) -> list[NDArray[Any]]:
    """What encoder and decoder both do with frame `t`; `planes` to encode."""
    result: list[NDArray[Any]] = []
    for c, coder in enumerate(coders):
        plane = None if planes is None else planes[c]
        other = result[-1].astype(np.float64) if result else None
        blend, nearest = warped[c] if warped else (other, other)
        if warped and other is not None and blend is not None:
            # What the channel before differs by from its own prediction, this one does too.  Sixteenths: exact.
            blend = blend + (other - warped[c - 1][0])
        # The model is told that something stands behind by an index above 0.
        index = 0 if blend is None else t + (c > 0)
        result.append(coder.code(index, plane, blend, nearest if other is None else other))
    return result
