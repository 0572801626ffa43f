import numpy as np
import pytest
from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.volume.density import MAX_DECISIONS, code_rank, new_mixture
from geo3d_compression.volume.values import dense_alphabet, rank_near, sparse_alphabet, value_of


def run(ranks: np.ndarray, alphabet, center: float, scale: float, data: bytes | None = None):
    mixture = new_mixture(2)
    state, buffer = new_encoder(MAX_DECISIONS * len(ranks)) if data is None else new_decoder(data)
    out = []
    for rank in ranks:
        mixture.mean[:] = center
        mixture.inverse[:] = 1 / scale
        mixture.keys[:] = 7
        out.append(code_rank(int(rank), alphabet, mixture, center, scale, 1, 2, 0.01, state, buffer, data is None))
    if data is None:
        return finish(state, buffer)
    check_decoder(state, buffer)
    return np.array(out)


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 1 << 16, 1 << 33])
def test_any_rank_of_any_alphabet_comes_back(size: int) -> None:
    rng = np.random.default_rng(size)
    ranks = np.concatenate([[0, size - 1], rng.integers(0, size, 40), rng.integers(0, min(size, 10), 40)])
    alphabet = dense_alphabet(0, size - 1)
    for center, scale in ((0.0, 0.01), (size / 2, 5.0), (float(size), 1e9)):
        data = run(ranks, alphabet, center, scale)
        assert (run(np.zeros_like(ranks), alphabet, center, scale, data) == ranks).all()


def test_the_cost_of_logistic_noise_is_near_its_entropy() -> None:
    rng = np.random.default_rng(0)
    scale = 12.0
    values = np.clip(np.rint(rng.logistic(500, scale, 20_000)), 0, 999).astype(int)
    bits = 8 * len(run(values, dense_alphabet(0, 999), 500.0, scale)) / len(values)
    entropy = (np.log(scale) + 2) / np.log(2)
    assert entropy - 0.05 < bits < 1.01 * entropy


def test_values_that_do_not_occur_cost_nothing() -> None:
    rng = np.random.default_rng(0)
    present = np.arange(0, 1000, 8)
    values = np.clip(np.rint(rng.logistic(500, 12.0, 5_000) / 8), 0, 124).astype(int)
    alphabet = sparse_alphabet(present)
    data = run(values, alphabet, 500.0, 12.0)
    assert (run(np.zeros_like(values), alphabet, 500.0, 12.0, data) == values).all()
    assert 8 * len(data) / len(values) < (np.log(12 / 8) + 2) / np.log(2) * 1.05


def test_ranks_and_values() -> None:
    alphabet = sparse_alphabet(np.array([-5, 0, 7]))
    assert [value_of(alphabet, k) for k in range(3)] == [-5, 0, 7]
    assert [rank_near(alphabet, v) for v in (-100.0, -5.0, -4.0, 0.0, 3.0, 7.0, 1e30, float("nan"))] == [
        0, 0, 1, 1, 2, 2, 2, 0,
    ]  # fmt: skip
