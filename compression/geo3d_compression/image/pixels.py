# mypy: allow-untyped-defs, no-check-untyped-defs
"""Samples of drawings and screens, losslessly: a simple prediction, and its error by context mixing, compiled.

Contexts are exact neighbourhoods, the errors around, and what stood where this neighbourhood was seen last.
Photographs are coded as `planes`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.image.decisions import APM_ROW, CLASS, ROW_0, ROW_1, ROW_2, code_value, mix_hash
from geo3d_compression.jpeg.classes import LOG, signed

_OWN = 12
MEDIAN, NEIGHBOUR = range(2)
# Slots for the places of neighbourhoods, and the longest match that is told apart.
_PLACE_BITS = 18
_MAX_MATCH = 400


@njit(cache=True, nogil=True, inline="always")
def _log(value):
    return LOG[min(abs(value), 4095)]


@njit(cache=True, nogil=True)
def _neighbourhood(image, y, x):
    """Slot of the six samples around a pixel, in all channels."""
    width, channels = image.shape[1], image.shape[2]
    key = np.int64(0)
    for c in range(channels):
        west = np.int64(image[y, x - 1, c]) if x > 0 else np.int64(-1)
        west_2 = np.int64(image[y, x - 2, c]) if x > 1 else np.int64(-1)
        key = mix_hash(key ^ west, west_2 + 70001)
        if y > 0:
            key = mix_hash(key, np.int64(image[y - 1, x, c]))
            key = mix_hash(key, np.int64(image[y - 1, x - 1, c]) if x > 0 else np.int64(-1))
            key = mix_hash(key, np.int64(image[y - 1, x + 1, c]) if x + 1 < width else np.int64(-1))
        if y > 1:
            key = mix_hash(key, np.int64(image[y - 2, x, c]))
    return (key >> (64 - _PLACE_BITS)) & ((1 << _PLACE_BITS) - 1)


@njit(cache=True, nogil=True)
def code_samples(state, buffer, encode, image, highest, learn, counters, weights, final, apm, work):
    """Code int32 `image` [H, W, C] with samples in [0, highest]; decoding fills it.

    `learn`: how a sample is predicted where its neighbours differ: MEDIAN or NEIGHBOUR (palettes).
    """
    height, width, channels = image.shape
    errors = np.zeros((2, width + 2, channels), np.int64)
    n = np.zeros(_OWN, np.int64)
    places = np.zeros(1 << _PLACE_BITS, np.int64)
    match, length = np.int64(0), np.int64(0)
    for y in range(height):
        here, above = y & 1, 1 - (y & 1)
        for x in range(width):
            first_error, second_error = np.int64(0), np.int64(0)
            all_zero = True
            # The pixel behind the place where this neighbourhood stood last.
            place = _neighbourhood(image, y, x)
            here_at = y * width + x
            if length == 0 and places[place] > 0:
                match = places[place] - 1
                length = 1
            places[place] = here_at + 1
            match_y, match_x = match // width, match % width
            same = length > 0
            for c in range(channels):
                expected = np.int64(image[match_y, match_x, c]) if same else np.int64(0)
                west = (
                    np.int64(image[y, x - 1, c]) if x > 0 else (np.int64(image[y - 1, x, c]) if y > 0 else np.int64(0))
                )
                north = np.int64(image[y - 1, x, c]) if y > 0 else west
                n[0], n[1] = west, north
                n[2] = np.int64(image[y - 1, x - 1, c]) if y > 0 and x > 0 else north
                n[3] = np.int64(image[y - 1, x + 1, c]) if y > 0 and x + 1 < width else north
                n[4] = np.int64(image[y, x - 2, c]) if x > 1 else west
                n[5] = np.int64(image[y - 2, x, c]) if y > 1 else north
                n[6] = np.int64(image[y - 2, x + 1, c]) if y > 1 and x + 1 < width else n[3]
                n[7] = np.int64(image[y - 2, x - 1, c]) if y > 1 and x > 0 else n[2]
                n[8] = np.int64(image[y - 1, x - 2, c]) if y > 0 and x > 1 else n[2]
                n[9] = np.int64(image[y - 1, x + 2, c]) if y > 0 and x + 2 < width else n[3]
                n[10] = np.int64(image[y, x - 3, c]) if x > 2 else n[4]
                n[11] = np.int64(image[y - 3, x, c]) if y > 2 else n[5]
                flat = n[0] == n[1] and n[0] == n[2] and n[0] == n[3]
                # Median edge detection, moved by what the channel before did against its own.
                low, high = min(west, north), max(west, north)
                median = low if n[2] >= high else (high if n[2] <= low else west + north - n[2])
                shift = np.int64(0)
                if c > 0:
                    o = c - 1
                    now = np.int64(image[y, x, o])
                    o_w = np.int64(image[y, x - 1, o]) if x > 0 else now
                    o_n = np.int64(image[y - 1, x, o]) if y > 0 else now
                    shift = now - ((o_w + o_n) >> 1)
                middle_8 = median * 8
                if flat:
                    middle_8 = west * 8
                elif learn == NEIGHBOUR:
                    middle_8 = 8 * (north if west == n[2] else west)
                elif c > 0:
                    middle_8 = min(max(median * 8 + shift * 6, 0), highest * 8)
                middle = (middle_8 + 4) >> 3
                part = middle_8 + 4 - (middle << 3)

                e_w = errors[here, x, c]
                e_n, e_nw, e_ne = errors[above, x + 1, c], errors[above, x, c], errors[above, min(x + 2, width + 1), c]
                energy = 2 * (abs(e_w) + abs(e_n)) + abs(e_nw) + abs(e_ne)
                spread = max(max(abs(west - north), abs(north - n[3])), abs(west - n[2]))
                q_energy, q_spread = _log(energy), _log(spread)
                pattern = (
                    (west == north)
                    + 2 * (north == n[3])
                    + 4 * (west == n[2])
                    + 8 * (west == n[4])
                    + 16 * (north == n[5])
                )
                q_first = signed(first_error)
                exact = mix_hash(west * 65537 + north, c)
                wide = mix_hash(mix_hash(exact, n[2] * 65537 + n[3]), first_error * 1031 + second_error)
                widest = mix_hash(mix_hash(wide, n[4] * 65537 + n[5]), n[6] * 65537 + n[8])
                work[CLASS] = c + (4 if flat else 0)
                work[ROW_0] = min(q_energy, 15) * 4 + min(q_spread >> 2, 3)
                work[ROW_1] = min(_log(first_error), 15) * 4 + min(_log(second_error), 3)
                reach = min(LOG[min(length, _MAX_MATCH)], 15) if same else np.int64(0)
                work[ROW_2] = reach * 2 + (pattern == 31)
                work[APM_ROW] = min(q_energy, 15)
                work[0] = q_energy << 8 | q_spread
                work[1] = (signed(median - middle) << 8 | q_energy) << 1 | all_zero
                work[2] = (signed(west - middle) << 8 | signed(north - middle)) << 8 | q_first
                work[3] = (q_first << 8 | signed(second_error)) << 8 | q_energy
                work[4] = wide
                work[5] = mix_hash(exact, pattern * 2 + all_zero)
                work[6] = widest
                work[7] = (signed(n[3] - middle) << 8 | signed(n[2] - middle)) << 8 | q_energy
                work[8] = (middle * 255 // highest) << 8 | part << 4 | min(q_energy, 15)
                work[9] = (signed(e_w) << 8 | signed(e_n)) << 8 | min(q_spread, 7)
                work[10] = (signed(2 * west - n[4] - middle) << 8 | signed(2 * north - n[5] - middle)) << 8 | min(
                    q_energy, 7
                )
                work[11] = (part << 8 | q_energy) << 8 | min(_log(first_error), 7)
                work[12] = (signed(expected - middle) << 8 | reach) << 6 | pattern if same else pattern
                work[13] = mix_hash(mix_hash(widest, n[7] * 65537 + n[9]), n[10] * 65537 + n[11])
                for t in range(14):
                    work[t] = mix_hash(work[t], 64 + 4 * t + c + (1024 if flat else 0))
                value = np.int64(image[y, x, c]) - middle
                value = code_value(state, buffer, counters, weights, final, apm, work, value, False, encode)
                sample = min(max(middle + value, 0), highest)
                if not encode:
                    image[y, x, c] = sample
                errors[here, x + 1, c] = sample - middle
                second_error, first_error = first_error, sample - middle
                all_zero = all_zero and value == 0
            if same:
                for c in range(channels):
                    same = same and image[match_y, match_x, c] == image[y, x, c]
            length = length + 1 if same else np.int64(0)
            match += 1
