import numpy as np
import pytest
from geo3d_compression.volume.model import new_model
from geo3d_compression.volume.prior.features import HERE, log_level, voxel_features, voxel_inputs
from geo3d_compression.volume.profiles import PROFILES


def inputs(gain: float, shift: float) -> np.ndarray:
    """Inputs of one voxel of a random slice whose values are multiplied and shifted."""
    model = new_model(9, 11, PROFILES["best"], trace=True)
    rng = np.random.default_rng(0)
    values = model.planes.values
    values[:] = rng.integers(0, 100, values.shape) * gain + shift
    model.mixture.mean[:] = rng.integers(20, 80, 8) * gain + shift
    levels = rng.integers(1, 9, 7) * gain
    model.prior.residual[:] = rng.integers(-9, 9, model.prior.residual.shape)
    stride, c = 11 + 8, 8 * (11 + 8) + 9
    voxel_features(c, stride, 3, 50.0 * gain + shift, 4.0 * gain, levels, model, values[0], values[2], values[1])
    return model.prior.x.copy()


def test_amplitude_and_offset_change_only_the_absolute_level() -> None:
    one, other = inputs(1.0, 0.0), inputs(8.0, 1024.0)
    assert len(one) == voxel_inputs(5)
    np.testing.assert_array_equal(one[:-1], other[:-1])
    assert other[-1] - one[-1] == 3 * 16
    assert np.abs(one).max() <= 127
    assert (one == np.rint(one)).all()
    assert len(np.unique(one)) > 20


def test_neighbours_are_differences_in_units_of_the_noise() -> None:
    model = new_model(9, 11, PROFILES["best"], trace=True)
    values = model.planes.values
    stride, c = 19, 8 * 19 + 9
    values[0, c - 1] = 6 * 4.0
    voxel_features(c, stride, 0, 0.0, 4.0, np.ones(7), model, values[0], values[2], values[1])
    assert model.prior.x[HERE.index((0, -1))] == 64  # 127 * 6 / 12, rounded
    assert (model.prior.x[1 : len(HERE)] == 0).all()


@pytest.mark.parametrize("value", [0.01, 1.0, 3.0, 1e6])
def test_levels_are_logarithms(value: float) -> None:
    model = new_model(1, 1, PROFILES["fast"])
    assert abs((log_level(value, model.learned) - (1023 << 6)) / 64 - np.log2(value)) < 0.1
