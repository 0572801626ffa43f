"""`python -m geo3d_viewer.bench.window`: a window on a large cloud, from the start of the process on.

A real window on a virtual screen (apt-get install xvfb xdotool); times are taken from the pixels of the screen.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray

from geo3d.bench.suite import Row
from geo3d.console import report
from geo3d.io import write_points
from geo3d_viewer.bench.screen import VirtualScreen
from geo3d_viewer.bench.view import ball

_SIZE = (1100, 800)
# Coloured pixels that make a picture, how far their red, green and blue are apart, and of how many one is looked at:
# the watching is not to take the processor from what is watched.
_LEAST_PIXELS, _COLOURED, _EVERY = 3000, 60, 4
# The picture is whole when it has not changed for so many seconds, and the window has taken less of a processor.
_CALM, _IDLE = 3.0, 0.1


def main(
    path: Path | None = None, /, points: int = 20_000_000, drag: float = 0.0, rest: float = 0.0, limit: float = 240.0
) -> None:
    """Print one line of JSON: seconds to the first picture and to the last change, peak memory in MB.

    Args:
        path: file to open; none: a PLY of a ball is made.
        points: of the ball.
        drag: turn the scene for so many seconds instead, from the first picture on, and say for how long at most the
            picture stood still: it is to move on while the rest is read and sorted.
        rest: so many seconds after the first picture.
        limit: give up after so many seconds.
    """
    with tempfile.TemporaryDirectory(prefix="geo3d-") as place:
        if path is None:
            path = Path(place) / "ball.ply"
            write_points(path, ball(points))
        report(
            {"file": path.name, "bytes": path.stat().st_size, **watch(path, Path(place), drag, rest, limit)},
            as_json=True,
        )


def watch(path: Path, place: Path, drag: float = 0.0, rest: float = 0.0, limit: float = 240.0) -> Row:
    """Open a window on `path` and watch it."""
    screen = VirtualScreen(place, _SIZE)
    environment = os.environ | {"DISPLAY": screen.display, "XDG_STATE_HOME": str(place / "state")}
    environment.pop("WAYLAND_DISPLAY", None)
    words = ["view", str(path), "--size", f"{_SIZE[0]}x{_SIZE[1]}"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "geo3d.cli", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        now, seen = 0.0, screen.bytes()
        while not _is_picture(seen):
            if now > limit or process.poll() is not None:
                return {"error": f"no picture after {now:.0f} s"}
            time.sleep(0.05)
            now, seen = time.perf_counter() - start, screen.bytes()
        row: Row = {"first_s": now}
        if drag:
            row |= _dragged(screen, drag, rest, limit)
        else:
            row |= _settled(screen, process.pid, start, now, limit)
        return row | {"peak_mb": _peak_mb(process.pid)}
    finally:
        process.kill()
        process.wait()
        screen.close()


def _is_picture(pixels: NDArray[np.uint8]) -> bool:
    few = pixels[::_EVERY, ::_EVERY]
    return int((np.ptp(few, axis=2) > _COLOURED).sum()) > _LEAST_PIXELS // _EVERY**2


def _settled(screen: VirtualScreen, pid: int, start: float, changed: float, limit: float) -> Row:
    """When the picture changed for the last time before there was nothing left to do."""
    before, now = screen.bytes(), changed
    marks = [(now, _cpu_s(pid))]
    while now < limit:
        time.sleep(0.05)
        now, seen = time.perf_counter() - start, screen.bytes()
        if not np.array_equal(seen, before):
            before, changed = seen, now
        marks = [m for m in marks if m[0] > now - _CALM - 0.2] + [(now, _cpu_s(pid))]
        span, spent = (marks[-1][k] - marks[0][k] for k in (0, 1))
        if now > changed + _CALM and span >= _CALM and spent < _IDLE * span:
            break
    return {"whole_s": changed}


def _dragged(screen: VirtualScreen, seconds: float, rest: float, limit: float) -> Row:
    """How often and how evenly the picture changes while the mouse turns it to and fro, pixel by pixel.

    A picture that has not moved by then is dragged on, up to `limit`: how long it stood is what is asked.
    """
    time.sleep(rest)
    x, y = _SIZE[0] // 3, _SIZE[1] // 2
    screen.do("mousemove", str(x), str(y), "mousedown", "1")
    start = time.perf_counter()
    gaps: list[float] = []
    before, at = screen.bytes(), start
    moves = 0
    while (now := time.perf_counter()) < start + (seconds if gaps else limit):
        seen = screen.bytes()
        if not np.array_equal(seen, before):
            gaps.append(now - at)
            before, at = seen, now
        moves += 1
        screen.do("mousemove", str(x + abs(moves % 200 - 100)), str(y))
        time.sleep(0.02)
    gaps.append(time.perf_counter() - at)
    screen.do("mouseup", "1")
    return {"dragged_s": now - start, "pictures": len(gaps) - 1, "longest_still_s": max(gaps)}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    tyro.cli(main)
