"""64 scans through the real verb on a Ray cluster of two nodes, one of which is killed: the bytes of the single run."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from geo3d.batch import BatchSettings, Task, find_tasks, run_batch
from geo3d.synthetic import SENSORS, random_room, random_walk, write_sequence

pytest.importorskip("ray", reason="`pip install geo3d-suite[ray]` brings Ray")
SCANS, FRAMES = 64, 3


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    """Walks through one room, 3 frames of 64 x 48 pixels each."""
    folder = tmp_path_factory.mktemp("scans")
    sensor = replace(SENSORS["tof"], camera=SENSORS["tof"].camera.resized(64, 48))
    room = random_room(3)
    for i in range(SCANS):
        write_sequence(folder / f"scan{i:02}", room, sensor, random_walk(room, FRAMES, seed=i), seed=i)
    return find_tasks("export", [folder])


def digests(folder: Path) -> dict[str, str]:
    """Of every file of every output."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.json"]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_64_scans_with_a_node_killed_are_those_of_the_single_run(tasks: list[Task], tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    settings = BatchSettings(("export", "nerfstudio"), ("--points", "500"), jobs=2, retries=2)
    single = run_batch(tasks, settings, tmp_path / "single")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        leaver = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        (tmp_path / "ray").mkdir()

        def leave() -> None:
            while sum(p.is_dir() and not p.name.startswith(".") for p in (tmp_path / "ray").iterdir()) < SCANS // 4:
                time.sleep(0.05)
            cluster.remove_node(leaver, allow_graceful=False)

        thread = threading.Thread(target=leave)
        thread.start()
        result = run_batch(tasks, settings, tmp_path / "ray", on_ray=True, address=cluster.address)
        thread.join()
    finally:
        cluster.shutdown()
    assert (single.made, single.failed) == (result.made, result.failed) == (SCANS, {})
    wanted, found = digests(tmp_path / "single"), digests(tmp_path / "ray")
    assert len(wanted) >= SCANS * (2 * FRAMES + 2)
    assert found == wanted
