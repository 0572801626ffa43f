"""The budget settles where pictures take neither long nor no time."""

from __future__ import annotations

from pathlib import Path

import pytest
from geo3d_viewer.desktop.budget import Budget, is_software_rendered


@pytest.mark.parametrize(
    ("per_million", "low", "high"),
    [(1.0, 400_000, 400_000), (0.1, 400_000, 2_500_000), (0.001, 4_000_000, 4_000_000)],
)
def test_it_settles(per_million: float, low: int, high: int) -> None:
    budget = Budget()
    for _ in range(30):
        before, budget = budget, budget.after(per_million * budget.points / 1e6)
    assert budget == before
    assert low <= budget.points <= high


def test_a_software_renderer_stays_at_the_least() -> None:
    budget = Budget(is_fixed=True)
    assert budget.after(0.001) == budget
    assert budget.after(3.0) == budget
    assert budget.is_least


def test_threads_tell_software_rendering(tmp_path: Path) -> None:
    for number, name in enumerate(["python", "FEngine::loop"]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(name + "\n")
    assert not is_software_rendered(tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "comm").write_text("llvmpipe-0\n")
    assert is_software_rendered(tmp_path)
    assert not is_software_rendered(tmp_path / "none")
