"""Peak memory of one piece of work: Linux can start its high-water mark again."""

from __future__ import annotations

from pathlib import Path

from geo3d.memory import peak_bytes

_CLEAR = Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Start the mark again where the system allows it (elsewhere the peak is that of the process so far)."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak_mb() -> float:
    """Largest resident memory since the last reset, in 10^6 bytes."""
    return peak_bytes() / 1e6
