"""The measuring itself."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from geo3d_viewer.bench.view import SUITE, ball, measured, summary


def test_a_command_is_measured_and_a_failure_said() -> None:
    row = measured([sys.executable, "-c", "x = bytearray(60_000_000); sum(range(10**6))"], repeats=1)
    assert row["peak_mb"] > 60
    assert row["cpu_seconds"] > 0
    assert row["seconds"] > 0
    assert measured([sys.executable, "-c", "raise SystemExit(3)"]) == {"error": "exit code 3"}


def test_ratios_are_by_case_and_skip_failures() -> None:
    rows = [
        {"case": "a", "method": "geo3d view", "cpu_seconds": 1.0},
        {"case": "a", "method": "peer", "cpu_seconds": 4.0},
        {"case": "b", "method": "geo3d view", "cpu_seconds": 1.0},
        {"case": "b", "method": "peer", "error": "exit code -6"},
    ]
    (row,) = summary(rows)
    assert row["case"] == "a"
    assert row["ratio"] == pytest.approx(0.25)
    assert set(row) <= set(SUITE["columns"])


def test_the_ball_is_the_same_every_time() -> None:
    assert np.array_equal(ball(100).points, ball(100).points)
    assert len(ball(100)) == 100
