"""The budget settles where pictures take neither long nor no time."""

from __future__ import annotations

import pytest
from geo3d_viewer.desktop.budget import Budget


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
