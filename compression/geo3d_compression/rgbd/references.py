"""References of a frame as bytes, and back.

reference = back, share, gain, bias, six numbers of the motion, length, coded grid
"""

from __future__ import annotations

import numpy as np

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Blob, Cursor, Field, SInt, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.rgbd.grid import STEP, grid_shape
from geo3d_compression.rgbd.motion import Motion
from geo3d_compression.rgbd.predict import CELL, Reference
from geo3d_compression.rgbd.views import MOST_BACK

MAX_REFERENCES = 4
_MOTION_LIMIT = (1 << 31) - 1
_REFERENCE: tuple[Field, ...] = (
    UInt("back", MOST_BACK, low=1),
    UInt("share", 16, low=1),
    UInt("gain", 4096, low=256),
    SInt("bias", 4096),
    *(SInt(f"motion {k}", _MOTION_LIMIT) for k in range(6)),
    Blob("grid", 1 << 20),
)


# What is read of a reference before the size of its frame is known: fields, and the coded grid.
Packed = tuple[dict[str, int], bytes]


def _pack(r: Reference) -> bytes:
    grid = (r.grid // STEP).astype(np.int8).transpose(2, 0, 1).tobytes()
    motion = {f"motion {k}": v for k, v in enumerate((*r.motion.rotation, *r.motion.translation))}
    values = {"back": r.back, "share": r.share, "gain": r.gain, "bias": r.bias, "grid": encode_bytes(grid), **motion}
    return pack(_REFERENCE, values)


def pack_references(references: list[Reference]) -> bytes:
    """All references of a frame."""
    out = bytearray()
    put_varint(out, len(references))
    for r in references:
        out += _pack(r)
    return bytes(out)


def read_references(cursor: Cursor, known: int) -> list[Packed]:
    """The references of a frame that follows `known` others."""
    count = cursor.varint()
    if count > MAX_REFERENCES:
        raise BitstreamError(f"a colour frame has {count} references, at most {MAX_REFERENCES} are allowed")
    result = []
    for _ in range(count):
        values = unpack(_REFERENCE, cursor)
        if values["back"] > known:
            raise BitstreamError(f"a colour frame refers {values['back']} frames back, but only {known} are there")
        result.append((values, values["grid"]))
    return result


def unpack_reference(packed: Packed, height: int, width: int) -> Reference:
    """A reference of a frame of this size."""
    values, grid = packed
    rows, columns = grid_shape(height, width, CELL)
    raw = np.frombuffer(decode_bytes(grid, 2 * rows * columns), np.int8).reshape(2, rows, columns)
    m = [values[f"motion {k}"] for k in range(6)]
    motion = Motion((m[0], m[1], m[2]), (m[3], m[4], m[5]))
    shifts = np.ascontiguousarray(raw.transpose(1, 2, 0)).astype(np.int16) * STEP
    return Reference(values["back"], motion, values["gain"], values["bias"], values["share"], shifts)
