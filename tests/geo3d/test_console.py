"""Machine output is JSON whatever numpy put into it."""

import json

import numpy as np

from geo3d.console import progress, report, to_json


def test_numpy_values_and_non_finite_numbers_become_plain_json() -> None:
    value = {"a": np.float32(1.5), "b": np.arange(3), "c": float("nan"), "d": [np.inf, {"e": np.bool_(True)}]}
    assert json.loads(to_json(value)) == {"a": 1.5, "b": [0, 1, 2], "c": None, "d": [None, {"e": True}]}


def test_report_prints_one_json_line_or_aligned_text(capsys) -> None:
    report({"points": 3, "bpp": 1.23456}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"points": 3, "bpp": 1.23456}
    report({"points": 3, "bpp": 1.23456}, as_json=False)
    assert capsys.readouterr().out == "points  3\nbpp     1.235\n"


def test_progress_passes_everything_on() -> None:
    assert list(progress(iter(range(5)), "count", total=5)) == list(range(5))
