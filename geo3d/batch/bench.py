"""`geo3d bench batch`: 64 small scans through a verb, two at a time: a plain loop, `geo3d batch`, `geo3d batch --ray`.

Every call is a process of its own in all three.  `differing` counts files that are not the plain loop's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from geo3d.batch import BatchSettings, Task, find_tasks, run_batch
from geo3d.bench.suite import Row, Suite
from geo3d.synthetic import SENSORS, random_room, random_walk, write_sequence

SCANS, FRAMES, JOBS = 64, 4, 2
_VERB, _OPTIONS = ("export", "nerfstudio"), ("--points", "500")
_PLAIN = "plain loop"


def small_scans(folder: Path, scans: int = SCANS, frames: int = FRAMES) -> list[Task]:
    """Tasks on walks through one room, frames of 64 x 48 pixels."""
    sensor = replace(SENSORS["tof"], camera=SENSORS["tof"].camera.resized(64, 48))
    room = random_room(3)
    for i in range(scans):
        write_sequence(folder / f"scan{i:02}", room, sensor, random_walk(room, frames, seed=i), seed=i)
    return find_tasks(_VERB[0], [folder])


def rows(data: Path | None) -> Iterator[Row]:
    """The three ways; the data folder is not needed."""
    with tempfile.TemporaryDirectory(prefix="geo3d-") as place:
        yield from compare(small_scans(Path(place) / "scans"), Path(place))


def compare(tasks: list[Task], place: Path, settings: BatchSettings | None = None) -> Iterator[Row]:
    """Run the tasks each way into folders of their own under `place`."""
    settings = settings or BatchSettings(_VERB, _OPTIONS, jobs=JOBS)
    ways: dict[str, Callable[[Path], object]] = {
        _PLAIN: lambda out: plain_loop(tasks, settings, out),
        "geo3d batch": lambda out: run_batch(tasks, settings, out),
    }
    if find_spec("ray") is not None:
        ways["geo3d batch --ray"] = lambda out: run_batch(tasks, settings, out, on_ray=True)
    wanted: dict[str, str] | None = None
    for number, (method, run) in enumerate(ways.items()):
        out = place / f"out{number}"
        out.mkdir()
        start = time.perf_counter()
        run(out)
        seconds = time.perf_counter() - start
        found = digests(out)
        wanted = wanted or found
        changed = sum(wanted.get(k) != found.get(k) for k in wanted.keys() | found.keys())
        yield {"method": method, "scans": len(tasks), "seconds": seconds, "files": len(found), "differing": changed}


def plain_loop(tasks: list[Task], settings: BatchSettings, folder: Path) -> None:
    """One call of the program after the other in each of `settings.jobs` threads, with nothing around it."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

    def call(task: Task) -> None:
        words = [*settings.verb, str(task.inputs[0]), "-o", str(folder / task.output), *settings.options]
        command = [sys.executable, "-m", "geo3d.cli", *words]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with ThreadPoolExecutor(settings.jobs) as pool:
        list(pool.map(call, tasks))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of every output, by its path."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.json"]
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in files}


def summary(found: list[Row]) -> list[Row]:
    """What each way takes longer than the plain loop."""
    loop = next(r["seconds"] for r in found if r["method"] == _PLAIN)
    return [
        {"method": f"{r['method']} over the {_PLAIN}", "percent": 100 * (r["seconds"] / loop - 1)}
        for r in found
        if r["method"] != _PLAIN
    ]


SUITE: Suite = {
    "description": "64 small scans, two at a time: a plain loop, the process pool of `geo3d batch`, Ray",
    "columns": ["method", "scans", "seconds", "files", "differing", "percent"],
    "rows": rows,
    "summary": summary,
}
