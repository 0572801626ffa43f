"""A batch on a real Ray cluster of two nodes, one of which leaves in the middle."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from geo3d.batch import BatchSettings, Task, find_tasks, run_batch

pytest.importorskip("ray", reason="`pip install geo3d-suite[ray]` brings Ray")

# Tasks take a while and say where they ran; those that are interrupted leave half an output behind.
VERB = """
import os, sys, time, pathlib
words = sys.argv[sys.argv.index("--") + 1:]
source, target = pathlib.Path(words[1]), pathlib.Path(words[words.index("-o") + 1])
target.write_text("half"); time.sleep(0.4)
target.write_text(source.read_text() * 3)
with open(source.with_suffix(".runs"), "a") as log: log.write(str(os.getpid()) + "\\n")
"""
COUNT = 24


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    (tmp_path / "in").mkdir()
    for i in range(COUNT):
        (tmp_path / f"in/{i:02}.ply").write_text(f"cloud {i} ")
    return find_tasks("compress", [tmp_path / "in"])


def settings(tmp_path: Path, jobs: int = 2) -> BatchSettings:
    script = tmp_path / "verb.py"
    script.write_text(VERB)
    return BatchSettings(("compress",), jobs=jobs, retries=2, program=(sys.executable, "-I", str(script)))


def outputs(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir() if p.suffix == ".g3c"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_leaves_takes_no_output_with_it(tasks, tmp_path):
    from ray.cluster_utils import Cluster

    single = run_batch(tasks, settings(tmp_path), tmp_path / "single")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        leaver = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()

        def leave() -> None:
            while len(outputs(tmp_path / "ray")) < COUNT // 4:
                time.sleep(0.05)
            cluster.remove_node(leaver, allow_graceful=False)

        (tmp_path / "ray").mkdir()
        thread = threading.Thread(target=leave)
        thread.start()
        result = run_batch(tasks, settings(tmp_path), tmp_path / "ray", on_ray=True, address=cluster.address)
        thread.join()
    finally:
        cluster.shutdown()
    assert (single.made, single.failed) == (result.made, result.failed) == (COUNT, {})
    assert outputs(tmp_path / "ray") == outputs(tmp_path / "single")
    assert sorted(p.name for p in (tmp_path / "ray").iterdir() if p.suffix != ".g3c") == ["manifest.json"]
