"""Calls in children of one process that has imported the program: as good as a process of their own each."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from geo3d.batch.warm import CAN_FORK, WarmProgram
from geo3d.io import write_points
from geo3d.types import PointCloud

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="children are forked on Linux alone")


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    write_points(tmp_path / "a.ply", PointCloud(np.random.default_rng(0).uniform(-1, 1, (100, 3))))
    return tmp_path / "a.ply"


@pytest.fixture
def view() -> Iterator[WarmProgram]:
    program = WarmProgram("view", dict(os.environ))
    yield program
    program.close()


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def picture(cloud: Path, name: str) -> list[str]:
    return ["--", "view", str(cloud), "--snapshot", str(cloud.parent / name), "--size", "64x48"]


def served(cloud: Path) -> list[str]:
    return ["--", "view", str(cloud), "--web", "--port", "0"]


def test_calls_follow_each_other_whatever_became_of_the_last(view: WarmProgram, cloud: Path) -> None:
    assert view.call(picture(cloud, "1.png"), 60) == (0, "")
    code, words = view.call(picture(cloud.with_name("missing.ply"), "2.png"), 60)
    assert code == 1
    assert "missing.ply" in words
    assert "Traceback" not in words
    assert view.call(["--", "view", "--no-such-option"], 60).code == 2
    ended = view.call(served(cloud), 2)
    # Where another package holds viser back, the page is refused in words.
    assert ended.code is None or (int(version("viser").split(".")[0]) < 1 and "needs viser" in ended.stderr)
    assert view.call(picture(cloud, "3.png"), 60) == (0, "")
    assert (cloud.parent / "1.png").read_bytes() == (cloud.parent / "3.png").read_bytes()


def test_a_killed_call_is_told_from_a_killed_server(view: WarmProgram, cloud: Path) -> None:
    server = view._process.pid

    def kill_child() -> None:
        while not children(server):
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(children(server)[0], signal.SIGTERM)

    threading.Thread(target=kill_child).start()
    assert view.call(served(cloud), 30).code == -signal.SIGTERM
    assert view.is_open

    def kill_server() -> None:
        while not children(server):
            time.sleep(0.05)
        orphans.extend(children(server))
        os.kill(server, signal.SIGKILL)

    orphans: list[int] = []
    threading.Thread(target=kill_server).start()
    assert view.call(served(cloud), 30).code == -signal.SIGKILL
    assert not view.is_open
    end = time.monotonic() + 10
    while Path(f"/proc/{orphans[0]}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    # Whoever adopted it may not have read its end yet: then it is a zombie.
    status = Path(f"/proc/{orphans[0]}/status")
    assert not status.exists() or "\nState:\tZ" in status.read_text()


def test_a_memory_limit_is_the_calls_own(view: WarmProgram, cloud: Path) -> None:
    assert view.call(["--memory-mb", "20", *picture(cloud, "1.png")], 60).code != 0
    assert view.call(picture(cloud, "2.png"), 60).code == 0
