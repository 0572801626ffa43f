"""Which picture or pose belongs to which moment."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def nearest(
    times: NDArray[np.float64], others: NDArray[np.float64], largest_gap: float, *, once: bool = True
) -> NDArray[np.int64]:
    """[N] index into `others` of the entry nearest in time to each of `times`, -1 where none is within `largest_gap`.

    With `once` each entry is given away once, to the time closest to it, as the TUM benchmark's tools do.
    """
    result = np.full(len(times), -1, np.int64)
    if not len(others) or not len(times):
        return result
    order = np.argsort(others, kind="stable")
    right = np.searchsorted(others[order], times).clip(0, len(others) - 1)
    left = np.maximum(right - 1, 0)
    closer = np.abs(others[order[left]] - times) <= np.abs(others[order[right]] - times)
    chosen = order[np.where(closer, left, right)]
    gaps = np.abs(others[chosen] - times)
    taken: set[int] = set()
    for i in np.argsort(gaps, kind="stable"):
        if gaps[i] <= largest_gap and not (once and int(chosen[i]) in taken):
            result[i] = chosen[i]
            taken.add(int(chosen[i]))
    return result


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(p), p) if p.isdecimal() else (0, 0, p) for p in parts)


def pictures(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The pictures of a folder in natural order of their names."""
    if not folder.is_dir():
        return []
    found = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    return sorted(found, key=lambda p: natural_key(p.name))


COLOR_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm")
DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".pgm", ".npy")
