"""`python -m geo3d_compression.bench.large`: memory and time of `geo3d compress` on a cloud larger than memory.

Made for it: an airborne survey's worth of hills and walls, as densely sampled as its grid.
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

from geo3d.bench.suite import Row
from geo3d.console import report

_PIECE = 2_000_000


def main(
    points: int = 200_000_000, grid: float = 0.05, profile: str = "fast", threads: int = 1, back: bool = False
) -> None:
    """Print one line of JSON: seconds, CPU seconds and peak memory (MB) of compression.

    Args:
        points: of the cloud; float32 in an .npy file of 12 bytes each.
        grid: cell in metres, about the distance of neighbours too.
        profile: fast or best.
        threads: tiles at the same time.
        back: decompress as well.
    """
    with tempfile.TemporaryDirectory(prefix="geo3d-") as folder:
        source, target = Path(folder) / "survey.npy", Path(folder) / "survey.g3c"
        write_survey(source, points, grid * points**0.5)
        words = ["compress", str(source), "-o", str(target), "--grid", str(grid), "--profile", profile]
        row = {"points": points, "work": "compress", **measured([*words, "--threads", str(threads)])}
        report(
            {**row, "bytes": target.stat().st_size, "bits_a_point": 8 * target.stat().st_size / points}, as_json=True
        )
        if back:
            source.unlink()
            words = ["decompress", str(target), "-o", str(source), "--threads", str(threads)]
            report({"points": points, "work": "decompress", **measured(words)}, as_json=True)


def write_survey(path: Path, points: int, side: float) -> None:
    """An .npy file of float32 [N, 3]: hills on a square of this side, with a wall every 31 m; piece by piece."""
    cloud = np.lib.format.open_memmap(path, "w+", np.float32, (points, 3))
    rng = np.random.default_rng(5)
    for start in range(0, points, _PIECE):
        n = min(_PIECE, points - start)
        xy = rng.random((n, 2), dtype=np.float32) * np.float32(side)
        z = 3 * np.sin(xy[:, 0] / 17) + 2 * np.cos(xy[:, 1] / 11)
        wall = xy[:, 0] % 31 < 0.4
        z[wall] += rng.random(int(wall.sum()), dtype=np.float32) * 6
        cloud[start : start + n, :2], cloud[start : start + n, 2] = xy, z
    cloud.flush()


def measured(words: list[str]) -> Row:
    """Run one call of the program in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "geo3d.cli", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"geo3d {words[0]} failed with exit code {process.returncode}")
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}


if __name__ == "__main__":
    tyro.cli(main)
