"""The shared training loop against closed forms: where it ends, what it averages, that a run cut off goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from geo3d_compression.training.loop import Course, _rate, averaged_state, train


class _Mean(torch.nn.Module):
    quantise = False

    def __init__(self) -> None:
        super().__init__()
        self.centre = torch.nn.Parameter(torch.zeros(2))


def _fit(out: Path, stop: int = 0) -> Path:
    def draw(rng: np.random.Generator):
        while True:
            yield torch.from_numpy(rng.normal([3.0, -1.0], 0.01).astype(np.float32))

    def loss(network: _Mean, batch: torch.Tensor):
        value = (network.centre - batch).square().sum()
        return value, value.detach()

    return train(_Mean(), draw, loss, out, Course(120, 0.2, 0.5, 0.9, seed=3, stop=stop))


@pytest.mark.filterwarnings("ignore")
def test_finds_the_mean_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    weights, steps = averaged_state(_fit(tmp_path, stop=50))
    assert steps == 50
    weights, steps = averaged_state(_fit(tmp_path))
    assert steps == 120
    np.testing.assert_allclose(weights["centre"].numpy(), [3.0, -1.0], atol=0.03)


def test_rate_rises_and_falls() -> None:
    rates = [_rate(k, 1000) for k in range(1001)]
    assert np.argmax(rates) in range(49, 60)
    assert rates[500] == pytest.approx(0.51)
    assert rates[1000] == pytest.approx(0.02)
