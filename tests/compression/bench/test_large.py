"""The measuring of large clouds itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench import large


def test_the_survey_is_made_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_PIECE", 700)
    large.write_survey(tmp_path / "a.npy", 2000, 100.0)
    cloud = np.load(tmp_path / "a.npy")
    assert (cloud.shape, cloud.dtype) == ((2000, 3), np.float32)
    assert (np.ptp(cloud[:, :2], axis=0) > 90).all()
    # No piece is another's copy, and none was left out.
    assert len(np.unique(cloud, axis=0)) == 2000


def test_a_call_is_measured_and_a_failure_said(tmp_path: Path) -> None:
    large.write_survey(tmp_path / "a.npy", 2000, 100.0)
    row = large.measured(["compress", str(tmp_path / "a.npy"), "-o", str(tmp_path / "a.g3c"), "--grid", "0.5"])
    assert row["peak_mb"] > 50
    assert row["cpu_s"] > 0
    with pytest.raises(SystemExit, match="geo3d info failed"):
        large.measured(["info", str(tmp_path / "none.g3c")])


def test_what_comes_back_is_compared_point_by_point(tmp_path: Path) -> None:
    found = list(large.rows(tmp_path, 3000, 0.5, "fast", 1))
    assert [r["work"] for r in found] == ["compress", "decompress --bbox", "decompress"]
    assert all(r["same_cells"] and not r["missing"] for r in found[1:])
    assert 0 < found[1]["points_back"] < found[2]["points_back"] == 3000
    # One point of another cell, as many points as before; one point less.
    source, back, packed = (tmp_path / n for n in ("survey.npy", "back.npy", "survey.g3c"))
    cloud = np.load(back)
    cloud[7, 1] += 0.5
    np.save(back, cloud)
    assert large.compare(source, back, packed) == {"points_back": 3000, "missing": 0, "same_cells": False}
    np.save(back, cloud[:-1])
    assert large.compare(source, back, packed)["missing"] == 1
