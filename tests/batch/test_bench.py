"""The batch's measuring itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo3d.batch import bench


def test_the_ways_make_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)  # Ray takes seconds to start
    tasks = bench.small_scans(tmp_path / "scans", scans=2, frames=2)
    found = list(bench.compare(tasks, tmp_path))
    assert [r["method"] for r in found] == ["plain loop", "geo3d batch"]
    # Of each scan: colour and depth of two frames, poses and points.
    assert all(r["scans"] == 2 and r["files"] >= 2 * 6 and r["differing"] == 0 for r in found)


def test_a_file_that_is_missing_or_other_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)

    def loop(_tasks: object, _settings: object, folder: Path) -> None:
        for name in "abc":
            (folder / name).write_text(name)

    def batch(_tasks: object, _settings: object, folder: Path) -> None:
        (folder / "a").write_text("a")
        (folder / "b").write_text("other")

    monkeypatch.setattr(bench, "plain_loop", loop)
    monkeypatch.setattr(bench, "run_batch", batch)
    assert [r["differing"] for r in bench.compare([], tmp_path)] == [0, 2]


def test_overheads_are_over_the_plain_loop() -> None:
    rows = [{"method": "plain loop", "seconds": 40.0}, {"method": "geo3d batch --ray", "seconds": 46.0}]
    (row,) = bench.summary(rows)
    assert row["percent"] == pytest.approx(15.0)
    assert set(row) <= set(bench.SUITE["columns"])
