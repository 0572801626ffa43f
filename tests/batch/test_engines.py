"""What happens while Ray starts: a stand-in for Ray that is slow to start and runs its tasks in threads."""

from __future__ import annotations

import importlib.machinery
import sys
import threading
import time
import types
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

import geo3d.batch.engines as engines
from geo3d.batch import BatchSettings, Task
from geo3d.batch.run_task import Outcome
from geo3d.errors import Geo3DError


class Stand:
    """Ray's calls that the engine makes."""

    def __init__(self, start: float, fails: bool = False) -> None:
        self.start, self.fails = start, fails
        self.begun = threading.Event()
        self.pool: ThreadPoolExecutor | None = None
        self.started_with: dict[str, object] = {}

    def module(self) -> types.ModuleType:
        module = types.ModuleType("ray")
        module.__spec__ = importlib.machinery.ModuleSpec("ray", None)
        module.init, module.shutdown, module.wait, module.get = (
            self.init,
            self.shutdown,
            self.wait,
            lambda f: f.result(),
        )
        module.remote = lambda **_: lambda f: types.SimpleNamespace(remote=lambda *a: self.pool.submit(f, *a))
        module.exceptions = types.SimpleNamespace(RayError=RuntimeError)
        return module

    def init(self, **settings: object) -> None:
        self.started_with = settings
        time.sleep(self.start)
        if self.fails:
            raise RuntimeError("no cluster")
        self.pool = ThreadPoolExecutor(2)

    def shutdown(self) -> None:
        if self.pool is not None:
            self.pool.shutdown()

    @staticmethod
    def wait(futures: list, timeout: float | None) -> tuple[list, list]:
        done, rest = wait(futures, timeout, return_when=FIRST_COMPLETED)
        return list(done), list(rest)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(output, thread) of every task that was run."""
    seen: list[tuple[str, str]] = []

    def run(task: Task, _settings: BatchSettings, _folder: Path) -> Outcome:
        time.sleep(0.05)
        seen.append((task.output, threading.current_thread().name))
        return Outcome("done", bytes=len(task.output))

    monkeypatch.setattr(engines, "_safe", run)
    return seen


def tasks(count: int) -> list[Task]:
    return [Task((Path(f"in{i}"),), f"out{i}") for i in range(count)]


@pytest.mark.parametrize(("count", "start"), [(40, 0.4), (3, 0.4), (40, 0.0), (1, 0.0)])
def test_every_task_runs_once_and_the_first_do_not_wait_for_ray(
    ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, start: float
) -> None:
    stand = Stand(start)
    monkeypatch.setitem(sys.modules, "ray", stand.module())
    given = tasks(count)
    found = list(engines.run_on_ray(given, BatchSettings(("compress",), jobs=2), tmp_path, None))
    assert Counter(t.output for t, _ in found) == Counter(t.output for t in given) == Counter(o for o, _ in ran)
    assert all(outcome.state == "done" for _, outcome in found)
    here = [thread for _, thread in ran if not thread.startswith("ThreadPoolExecutor")]
    if start:
        assert len(here) >= min(count, 4)
    if count == 40:
        assert len(here) < count
    assert stand.started_with["num_cpus"] == 2


def test_on_a_cluster_of_others_nothing_runs_here(
    ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand = Stand(0.2)
    monkeypatch.setitem(sys.modules, "ray", stand.module())
    found = list(engines.run_on_ray(tasks(6), BatchSettings(("compress",), jobs=2), tmp_path, "auto"))
    assert len(found) == 6
    assert all(thread.startswith("ThreadPoolExecutor") for _, thread in ran)
    assert "num_cpus" not in stand.started_with


def test_a_ray_that_does_not_start_is_an_error_and_ends_the_work(
    ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", Stand(0.2, fails=True).module())
    with pytest.raises(Geo3DError, match="Ray did not start: no cluster; --jobs N"):
        list(engines.run_on_ray(tasks(40), BatchSettings(("compress",), jobs=2), tmp_path, None))
    time.sleep(0.2)
    count = len(ran)
    time.sleep(0.2)
    assert len(ran) == count < 40
