import numpy as np
import pytest
from geo3d_compression.volume.model import new_model
from geo3d_compression.volume.prior.features import PLANES, note, slice_planes, voxel_inputs
from geo3d_compression.volume.prior.state import check_bounds, load_weights, predict, update_state
from geo3d_compression.volume.prior.training.export import integer_tensors
from geo3d_compression.volume.prior.weights import prior_id, prior_weights
from geo3d_compression.volume.profiles import PROFILES

from geo3d.errors import BitstreamError

torch = pytest.importorskip("torch")


def random_network(seed: int = 0):
    from geo3d_compression.volume.prior.nn.network import PriorNetwork

    torch.manual_seed(seed)
    network = PriorNetwork(voxel_inputs(5), channels=4, features=3, hidden=8, head=6).double()
    network.quantise = True
    return network


def test_integers_are_the_trained_network() -> None:
    """Three slices and every voxel of the last against the torch layers in double precision: equal, not near."""
    network = random_network()
    model = new_model(5, 7, PROFILES["best"], weights=load_weights(integer_tensors(network.state_dict())))
    prior, rng = model.prior, np.random.default_rng(0)
    state = torch.zeros(1, 4, 5, 7, dtype=torch.float64)
    for index in range(3):
        model.planes.values[index % 3] = rng.integers(0, 200, model.planes.values.shape[1])
        for c in rng.permutation(model.planes.values.shape[1])[:60]:
            note(c, index, 50.0, 40.0, 1 + c % 5, model)
        planes = np.zeros((5, 7, PLANES), np.float32)
        noise = prior.noise.copy()
        slice_planes(index, model, planes)
        prior.noise[:] = noise
        update_state(index + 1, model)
        given = torch.from_numpy(planes.astype(np.float64)).permute(2, 0, 1)[None] / 32
        state = network.update(state, given)
        np.testing.assert_array_equal(prior.state[1:-1, 1:-1], 32 * state[0].permute(1, 2, 0).detach().numpy())
    spread = network.spread_out(state)[0]
    np.testing.assert_array_equal(prior.features, 32 * spread.detach().numpy())
    assert len(np.unique(prior.features)) > 5
    for y in range(5):
        for x in range(7):
            inputs = rng.integers(-127, 128, voxel_inputs(5))
            prior.x[: len(inputs)] = inputs
            shift, octaves = predict(y, x, prior)
            expected = [float(v.detach()) for v in network(torch.from_numpy(inputs / 32.0), spread[y, x])]
            assert shift == expected[0]
            assert octaves == min(max(int(np.floor(64 * expected[1])), -256), 256)


def test_sums_that_could_be_inexact_are_refused() -> None:
    tensors = integer_tensors(random_network().state_dict())
    tensors["first"][:, 2] = 3000
    with pytest.raises(BitstreamError, match=r"first can reach \d+"):
        check_bounds(tensors)


def test_the_weights_that_ship_are_within_bounds_and_named() -> None:
    weights = prior_weights()
    assert weights.first.shape[0] == voxel_inputs(5) + weights.spread.shape[3]
    assert len(prior_id()) == 8
