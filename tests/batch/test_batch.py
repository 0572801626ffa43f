"""A batch over real processes: some fail, crash, hang or are killed; the rest goes on and a second run mends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from geo3d.batch import BatchSettings, Task, engines, find_tasks, read_task_list, run_batch
from geo3d.batch.run_task import Outcome
from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud

# A stand-in for the program: what it does is written in its input file.
VERB = """
import os, sys, time, signal, pathlib
words = sys.argv[sys.argv.index("--") + 1:]
source, target = pathlib.Path(words[1]), pathlib.Path(words[words.index("-o") + 1])
order = source.read_text()
once = source.with_suffix(".seen")
if order == "broken": sys.stderr.write("geo3d: line 3 is no number\\n"); sys.exit(1)
if order == "raise": target.write_text("half"); raise RuntimeError("a bug")
if order == "hang": time.sleep(60)
if order == "die" or (order == "die once" and not once.exists()):
    once.touch(); target.write_text("half"); os.kill(os.getpid(), signal.SIGKILL)
if target.suffix == "":
    target.mkdir(exist_ok=True); target = target / "inside"
target.write_text(order + " " + os.environ["OMP_NUM_THREADS"] + " " + " ".join(words[words.index("-o") + 2:]))
"""


@pytest.fixture
def settings(tmp_path):
    script = tmp_path / "verb.py"
    script.write_text(VERB)
    return BatchSettings(("compress",), ("--grid", "1"), jobs=3, timeout=8, program=(sys.executable, "-I", str(script)))


def make(folder: Path, orders: dict[str, str]) -> list[Task]:
    folder.mkdir(exist_ok=True)
    for name, order in orders.items():
        (folder / name).write_text(order)
    return find_tasks("compress", [folder / n for n in orders])


def outputs(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir() if p.suffix == ".g3c"}


def test_failures_do_not_stop_the_rest_and_a_second_run_does_what_is_missing(settings, tmp_path):
    orders = {"a.ply": "good", "b.ply": "broken", "c.ply": "die", "d.ply": "die once", "e.ply": "raise", "f.ply": "too"}
    tasks, out = make(tmp_path / "in", orders), tmp_path / "out"
    result = run_batch(tasks, settings, out)
    assert (result.made, result.kept) == (3, 0)
    assert result.failed == {
        "b.g3c": "geo3d: line 3 is no number",
        "c.g3c": "the process was ended by SIGKILL",
        "e.g3c": "crashed: RuntimeError: a bug",
    }
    assert outputs(out) == {
        n: f"{o} 1 --grid 1" for n, o in [("a.g3c", "good"), ("d.g3c", "die once"), ("f.g3c", "too")]
    }
    entries = json.loads((out / "manifest.json").read_text())["outputs"]
    assert {k: (v["state"], v["tries"]) for k, v in entries.items()} == {
        "a.g3c": ("done", 1), "b.g3c": ("failed", 1), "c.g3c": ("failed", 2),
        "d.g3c": ("done", 2), "e.g3c": ("failed", 2), "f.g3c": ("done", 1),
    }  # fmt: skip
    assert sorted(p.name for p in out.iterdir()) == sorted([*outputs(out), "manifest.json"])
    stamp = (out / "a.g3c").stat().st_mtime_ns
    for name in ("b.ply", "c.ply", "e.ply"):
        (tmp_path / "in" / name).write_text("mended")
    (out / "f.g3c").write_text("damaged by hand")
    again = run_batch(tasks, settings, out)
    assert (again.made, again.kept, again.failed) == (4, 2, {})
    assert (out / "a.g3c").stat().st_mtime_ns == stamp
    assert len(outputs(out)) == 6
    assert sorted(p.name for p in out.iterdir()) == sorted([*outputs(out), "manifest.json"])


def test_a_task_that_hangs_is_ended(settings, tmp_path):
    from dataclasses import replace

    tasks = make(tmp_path / "in", {"a.ply": "hang"})
    result = run_batch(tasks, replace(settings, timeout=0.5, retries=0), tmp_path / "out")
    assert result.failed == {"a.g3c": "took longer than 0.5 s"}


def has_members(group: int, seconds: float) -> bool:
    """Whether a process group still has processes after so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="calls are forked on Linux alone")
def test_an_interrupted_batch_ends_what_is_running(tmp_path: Path) -> None:
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.random.default_rng(i).random((1_000_000, 3), np.float32))
    words = ["batch", "compress", str(tmp_path), "-o", str(tmp_path / "out"), "--jobs", "2", "--retries", "3"]
    words += ["--options=--profile best"]
    # The tests may have been started where interruptions are ignored, as in the background of a script.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from geo3d.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        partial = tmp_path / "out/.partial"
        while process.poll() is None and not (partial.is_dir() and len(list(partial.iterdir())) == 2):
            time.sleep(0.05)
        # As a terminal does: everyone of the group hears of it.
        os.killpg(process.pid, signal.SIGINT)
        begun = time.monotonic()
        _, words_of_it = process.communicate(timeout=60)
        assert process.returncode == 130, words_of_it
        # The tasks take minutes.
        assert time.monotonic() - begun < 30
        assert not has_members(process.pid, 5)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert [p.name for p in (tmp_path / "out").glob("*.g3c")] == []
    entries = json.loads((tmp_path / "out/manifest.json").read_text())["outputs"]
    assert {e["state"] for e in entries.values()} == {"missing"}


def test_interrupted_while_a_task_is_submitted(settings, tmp_path, monkeypatch):
    """The call of a task that nobody holds a future of is ended too."""
    ended, submit = Event(), ThreadPoolExecutor.submit
    begun = Event()

    def call(task: Task, *_: object) -> Outcome:
        begun.set()
        assert ended.wait(20), "nobody ended the call"
        return Outcome("failed", "ended")

    def interrupted(pool, *arguments):
        submit(pool, *arguments)
        begun.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(engines, "_safe", call)
    monkeypatch.setattr(engines, "end_calls", ended.set)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(engines.run_here([Task((tmp_path / "a",), "a")], settings, tmp_path))
    assert ended.is_set()


def test_output_folders_are_replaced_whole(settings, tmp_path):
    make(tmp_path / "in", {"a.ply": "one"})
    tasks = [Task((tmp_path / "in/a.ply",), "a")]
    run_batch(tasks, settings, tmp_path / "out")
    (tmp_path / "in/a.ply").write_text("two, longer")
    assert run_batch(tasks, settings, tmp_path / "out").made == 1
    assert (tmp_path / "out/a/inside").read_text().startswith("two")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "manifest.json"]


def test_names_of_outputs(tmp_path):
    for name in ("x/a.ply", "y/a.ply", "y/b.ply.xz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_tasks("compress", [tmp_path / "x", tmp_path / "y"])
    assert [t.output for t in found] == ["x-a_ply.g3c", "y-a_ply.g3c", "b.g3c"]
    (tmp_path / "list.txt").write_text("# pairs\nx/a.ply y/b.ply.xz\n\n'y/a.ply' x/a.ply\n")
    pairs = read_task_list("register", tmp_path / "list.txt")
    assert [t.output for t in pairs] == ["a-b.json", "a-a.json"]
    assert pairs[0].inputs == (tmp_path / "x/a.ply", tmp_path / "y/b.ply.xz")
    with pytest.raises(FormatError, match="--suffix"):
        find_tasks("convert", [tmp_path / "x"])
    # An input that comes twice, or through a link, is one task.
    (tmp_path / "link").symlink_to(tmp_path / "y")
    again = find_tasks("compress", [tmp_path / "x", tmp_path / "y", tmp_path / "link", tmp_path / "x/a.ply"])
    assert again == found
    (tmp_path / "empty").mkdir()
    (tmp_path / "phone/done").mkdir(parents=True)
    for name in ("phone/kitchen.r3d", "phone/notes.txt", "phone/done/poses.txt"):
        (tmp_path / name).write_text("")
    assert [t.output for t in find_tasks("export", [tmp_path / "phone"])] == ["done", "kitchen"]
    with pytest.raises(FormatError, match="holds nothing"):
        find_tasks("compress", [tmp_path / "empty"])


def test_the_real_program_with_one_and_two_jobs_and_a_memory_limit(tmp_path):
    from dataclasses import replace

    (tmp_path / "in").mkdir()
    for i in range(2):
        write_points(tmp_path / f"in/{i}.ply", PointCloud(np.random.default_rng(i).normal(size=(50, 3))))
    (tmp_path / "in/bad.ply").write_bytes(b"ply\nformat nonsense\n")
    tasks = find_tasks("convert", [tmp_path / "in"], ".pcd")
    settings = BatchSettings(("convert",), memory_mb=3000)
    first = run_batch(tasks, settings, tmp_path / "one")
    second = run_batch(tasks, replace(settings, jobs=2), tmp_path / "two")
    assert first == second
    assert list(first.failed) == ["bad.pcd"]
    assert "bad.ply" in first.failed["bad.pcd"]
    for i in range(2):
        data = (tmp_path / f"one/{i}.pcd").read_bytes()
        assert data == (tmp_path / f"two/{i}.pcd").read_bytes()
        assert len(read_points(tmp_path / f"one/{i}.pcd")) == 50


def test_reasons_name_what_to_change(tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", PointCloud(np.zeros((5, 3))))
    tasks = find_tasks("convert", [tmp_path / "a.ply"], ".pcd")
    result = run_batch(tasks, BatchSettings(("convert",), ("--nonsense",)), tmp_path / "out")
    assert result.failed == {"a.pcd": "wrong usage: Unrecognized options: --nonsense"}


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA limits memory on Linux")
def test_too_little_memory_is_told_and_not_tried_again(tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", PointCloud(np.zeros((5, 3))))
    tasks = find_tasks("convert", [tmp_path / "a.ply"], ".pcd")
    result = run_batch(tasks, BatchSettings(("convert",), memory_mb=20, retries=3), tmp_path / "out")
    assert result.failed["a.pcd"].startswith("--memory-mb 20 is too little")
    assert json.loads((tmp_path / "out/manifest.json").read_text())["outputs"]["a.pcd"]["tries"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA limits memory on Linux")
def test_the_memory_limit_holds(tmp_path):
    code = "from geo3d.batch.worker import limit_memory; limit_memory(300); x = b'1' * (400 << 20)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_on_a_local_ray_cluster(settings, tmp_path):
    pytest.importorskip("ray", reason="the package 'ray' is not installed: pip install 'geo3d-suite[ray]'")
    tasks = make(tmp_path / "in", {"a.ply": "good", "b.ply": "broken", "c.ply": "die once"})
    result = run_batch(tasks, settings, tmp_path / "out", on_ray=True)
    assert (result.made, list(result.failed)) == (2, ["b.g3c"])
