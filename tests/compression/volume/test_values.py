import numpy as np
import pytest
from geo3d_compression.volume.patterns import to_integers
from geo3d_compression.volume.values import edge_below, float_alphabet, rank_near, value_of


def alphabet_of(numbers: np.ndarray):
    patterns = to_integers(numbers)
    fraction, exponents = (23, 255) if numbers.dtype == np.float32 else (10, 31)
    return float_alphabet(int(patterns.min()), int(patterns.max()), fraction, exponents), patterns - patterns.min()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floats_are_in_units_of_the_last_bit_of_the_largest(dtype: type) -> None:
    finest = np.finfo(dtype).smallest_subnormal
    numbers = np.array([-1.5, -1.0, -0.3, 0, finest, 1e-4, 0.1, 1 / 3, 1.0, 1.75], dtype)
    alphabet, ranks = alphabet_of(numbers)
    unit = float(np.finfo(dtype).eps)
    for number, rank in zip(numbers, ranks, strict=True):
        assert value_of(alphabet, rank) * unit == float(number)
        assert rank_near(alphabet, value_of(alphabet, rank)) == rank


def test_the_nearest_number_is_what_numpy_rounds_to() -> None:
    rng = np.random.default_rng(0)
    numbers = np.array([-2.0, 2.0], np.float32)
    alphabet, _ = alphabet_of(numbers)
    first = int(to_integers(numbers).min())
    for value in rng.normal(0, 0.5, 300) * 10.0 ** rng.integers(-6, 1, 300):
        wanted = int(to_integers(np.array([value], np.float32))[0]) - first
        assert rank_near(alphabet, value * (1 << 22)) == wanted


def test_what_is_outside_is_clipped_and_nan_is_first() -> None:
    alphabet, _ = alphabet_of(np.array([-1.0, 3.0], np.float32))
    assert rank_near(alphabet, -1e300) == 0
    assert rank_near(alphabet, 1e300) == alphabet.size - 1
    assert rank_near(alphabet, float("nan")) == 0
    assert rank_near(alphabet, float("inf")) == alphabet.size - 1


def test_edges_lie_between_neighbours() -> None:
    alphabet, ranks = alphabet_of(np.array([-1.0, -1e-30, 1e-8, 0.7, 1.0], np.float32))
    for rank in ranks[1:]:
        assert value_of(alphabet, rank - 1) <= edge_below(alphabet, rank) <= value_of(alphabet, rank)
    assert edge_below(alphabet, alphabet.size) == value_of(alphabet, alphabet.size - 1)
