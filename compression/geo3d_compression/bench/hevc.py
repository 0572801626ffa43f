"""HEVC as a peer for volumes: x265 without loss, slices as the frames of one grey video, by PyAV.

x265 codes grey of 8, 10 and 12 bits.  Values are counted from the smallest.  Where they still need more than 12 bits,
the high bits are one video and the rest is another, or is stored as it is, whatever is smallest.  Bytes are those of
the packets alone, without the encoder's option text.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.bench.peer import NotForPeer

_FORMATS = {8: "gray", 10: "gray10le", 12: "gray12le"}
_MOST = 12
# The slowest preset gave the fewest bits on the tuning volumes; with weighted prediction x265 4.2 is not exact in it.
_PRESETS = ("veryslow", "slow")
_PARAMETERS = "lossless=1:weightp=0:weightb=0:info=0:log-level=none:pools=2:frame-threads=1"
# x265 takes no smaller frame.
_LEAST_SIDE = 16


def encode(voxels: NDArray[Any]) -> list[bytes]:
    """One byte that tells the number of low bits apart, one that tells if they are stored; packets; stored bits."""
    values = _from_smallest(voxels)
    bits = int(values.max()).bit_length()
    if bits <= _MOST:
        return [b"\0\0", *_encode_video(values)]
    tries = []
    for low in (bits - _MOST, 8):
        high, rest = _encode_video(values >> low), values & ((1 << low) - 1)
        tries.append([bytes([low, 0]), *high, *_encode_video(rest)])
        planes = (rest >> np.arange(low)[:, None, None, None]) & 1
        tries.append([bytes([low, 1]), *high, np.packbits(planes).tobytes()])
    return min(tries, key=lambda packets: sum(map(len, packets)))


def decode(packets: list[bytes], voxels: NDArray[Any]) -> NDArray[Any]:
    """The voxels; `voxels` gives shape, dtype and the smallest value."""
    low, stored = packets[0]
    count = int(np.prod(voxels.shape[:-2]))
    values = _decode_video(packets[1 : 1 + count]).astype(np.int64) << low
    if stored:
        bits = np.unpackbits(np.frombuffer(packets[-1], np.uint8), count=low * voxels.size)
        values |= np.tensordot(1 << np.arange(low), bits.reshape(low, *values.shape).astype(np.int64), 1)
    elif low:
        values |= _decode_video(packets[1 + count :])
    return (values + int(voxels.min())).astype(voxels.dtype).reshape(voxels.shape)


def _from_smallest(voxels: NDArray[Any]) -> NDArray[np.integer]:
    if voxels.dtype.kind not in "iub" or int(voxels.max()) - int(voxels.min()) >= 1 << 16:
        raise NotForPeer(f"x265 has grey of 8, 10 and 12 bits, and not {voxels.dtype} over more than 16 bits")
    if min(voxels.shape[-2:]) < _LEAST_SIDE:
        raise NotForPeer(f"x265 takes no frame under {_LEAST_SIDE} pixels, a slice has {list(voxels.shape[-2:])}")
    return (voxels.astype(np.int64) - int(voxels.min())).astype(np.uint16).reshape(-1, *voxels.shape[-2:])


def _encode_video(frames: NDArray[np.integer]) -> list[bytes]:
    """By the first preset that is exact."""
    for preset in _PRESETS:
        packets = _packets(frames, preset)
        if np.array_equal(_decode_video(packets), frames):
            return packets
    raise NotForPeer(f"x265 is not exact on this volume with the presets {', '.join(_PRESETS)}")


def _packets(frames: NDArray[np.integer], preset: str) -> list[bytes]:
    import av

    bits = next(b for b in _FORMATS if int(frames.max()) < 1 << b)
    name = _FORMATS[bits]
    if name not in {f.name for f in av.Codec("libx265", "w").video_formats or []}:
        raise NotForPeer(f"this x265 was built without grey of {bits} bits")
    context: Any = av.CodecContext.create("libx265", "w")
    context.height, context.width = frames.shape[1:]
    context.pix_fmt, context.time_base, context.framerate = name, Fraction(1, 25), 25
    context.options = {"preset": preset, "x265-params": _PARAMETERS}
    packets = []
    for index, values in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(values.astype(np.uint8 if bits == 8 else np.uint16), format=name)
        frame.pts = index
        packets += context.encode(frame)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]


def _decode_video(packets: list[bytes]) -> NDArray[Any]:
    import av

    context: Any = av.CodecContext.create("hevc", "r")
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    return np.stack([frame.to_ndarray() for frame in [*frames, *context.decode(None)]])
