"""Y, Cb, Cr as JPEG's decoders compute them, made reversible for every RGB colour.

A colour that a JPEG decoder wrote (or a camera that sends Y Cb Cr) is the rounded image of whole Y, Cb, Cr; such
colours are a lattice that holds a quarter of RGB.  Rounding any colour to Y, Cb, Cr and back moves each of R, G, B by
at most 1 (checked for all 2^24), and moves lattice colours not at all.  So a colour is its rounded Y, Cb, Cr and a
remainder, the number of its step in `STEPS`: 0 on the lattice.  Given Y, Cb, Cr, only few steps are possible, about
four (`possible`).

Conversions of ITU-T T.871 in 16-bit fixed point, as in the JPEG library of the Independent JPEG Group.  Cb and Cr are
centred on 0 here.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_HALF = 1 << 15
# 1.402, 1.772, 0.344136, 0.714136 in 1 / 65536.
_RED, _BLUE, _GREEN_B, _GREEN_R = 91881, 116130, 22554, 46802

_ALL = [(r, g, b) for r in (-1, 0, 1) for g in (-1, 0, 1) for b in (-1, 0, 1)]
# [27, 3] what R, G, B can be beside the lattice colour, small steps first.
STEPS: NDArray[np.int64] = np.array(sorted(_ALL, key=lambda s: (sum(map(abs, s)), s)), np.int64)
REMAINDERS = len(STEPS)
_NUMBER = np.zeros(REMAINDERS, np.int64)
_NUMBER[(STEPS + 1) @ [9, 3, 1]] = np.arange(REMAINDERS)


def rgb_to_jpeg(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    """[N, 3] uint8 RGB to int64 Y, Cb, Cr, remainder."""
    r, g, b = (rgb[:, k].astype(np.int64) for k in range(3))
    y, cb, cr = _rounded(r, g, b)
    step = rgb.astype(np.int64) - _lattice_colors(y, cb, cr)
    return np.stack([y, cb, cr, _NUMBER[(step + 1) @ [9, 3, 1]]], axis=1)


def jpeg_to_rgb(channels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse: [N, 3] int64 RGB."""
    y, cb, cr, remainder = (channels[:, k] for k in range(4))
    return _lattice_colors(y, cb, cr) + STEPS[remainder]


def _lattice_colors(y: NDArray[np.int64], cb: NDArray[np.int64], cr: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack(_decoded(y, cb, cr), axis=1).clip(0, 255)


@njit(cache=True, nogil=True)
def _decoded(y, cb, cr):  # type: ignore[no-untyped-def]
    """R, G, B as a decoder computes them, before it clips."""
    r = y + ((_RED * cr + _HALF) >> 16)
    g = y + ((_HALF - _GREEN_B * cb - _GREEN_R * cr) >> 16)
    b = y + ((_BLUE * cb + _HALF) >> 16)
    return r, g, b


@njit(cache=True, nogil=True)
def _rounded(r, g, b):  # type: ignore[no-untyped-def]
    """Y, Cb, Cr as an encoder computes them; the weights of each row sum to 65536, 0 and 0."""
    y = (19595 * r + 38470 * g + 7471 * b + _HALF) >> 16
    cb = (32768 * b - 11058 * r - 21710 * g + _HALF) >> 16
    cr = (32768 * r - 27439 * g - 5329 * b + _HALF) >> 16
    return y, cb, cr


@njit(cache=True, nogil=True)
def possible(y, cb, cr, found):  # type: ignore[no-untyped-def]
    """Numbers of the steps that lead to a colour with just these Y, Cb, Cr; returns how many."""
    r, g, b = _decoded(y, cb, cr)
    r, g, b = min(max(r, 0), 255), min(max(g, 0), 255), min(max(b, 0), 255)
    n = 0
    for k in range(REMAINDERS):
        red, green, blue = r + STEPS[k, 0], g + STEPS[k, 1], b + STEPS[k, 2]
        if min(red, green, blue) < 0 or max(red, green, blue) > 255:
            continue
        y1, cb1, cr1 = _rounded(red, green, blue)
        if y1 == y and cb1 == cb and cr1 == cr:
            found[n] = k
            n += 1
    return n
