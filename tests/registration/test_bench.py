"""The benchmark's arithmetic on rows whose answer can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.bench.register import measure, summary
from geo3d.errors import RegistrationError
from geo3d.registration.se3 import exp_se3
from geo3d.registration.training.pairs import FramePair
from geo3d.types import PinholeCamera, RGBDFrame


def row(overlap: float, degrees: float, metres: float, accepted: bool) -> dict:
    return {
        "set": "s",
        "method": "m",
        "overlap": overlap,
        "degrees": degrees,
        "metres": metres,
        "accepted": accepted,
        "cpu_s": 1.0,
    }


def test_recall_counts_accepted_answers_and_gross_errors_count_all_pairs() -> None:
    rows = [
        row(0.2, 1, 0.02, True),
        row(0.2, 1, 0.02, False),
        row(0.2, 7, 0.02, True),
        row(0.4, 90, 2.0, True),
        row(0.0, 0.1, 0.0, True),
        {"set": "s", "method": "m", "overlap": 0.7, "error": "no depth"},
    ]
    (result,) = summary(rows)
    assert result["strict_low"] == pytest.approx(100 / 3)
    assert result["loose_low"] == pytest.approx(200 / 3)
    assert result["strict_mid"] == 0
    assert result["strict_high"] == 0
    assert result["gross_%"] == pytest.approx(100 * 2 / 6)


def test_errors_are_measured_against_the_truth() -> None:
    frame = RGBDFrame(np.full((4, 4), 1000, np.uint16), PinholeCamera(4, 4, 4.0, 4.0, 1.5, 1.5))
    truth = exp_se3(np.array([0, 0, 0.5, 1, 2, 3]))
    pair = FramePair(frame, frame, truth, 0.5)

    def fails(pair: FramePair) -> tuple[np.ndarray, bool]:
        raise RegistrationError("nothing here")

    def shifted(pair: FramePair) -> tuple[np.ndarray, bool]:
        return truth @ exp_se3(np.array([0, np.deg2rad(3), 0, 0.3, 0.4, 0])), True

    rows = list(measure(iter([("s", pair)]), {"shifted": shifted, "fails": fails}))
    assert rows[0]["degrees"] == pytest.approx(3)
    assert rows[0]["metres"] == pytest.approx(0.5)
    assert rows[1]["error"] == "nothing here"
