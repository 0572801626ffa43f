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
