import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.registration.match import mutual_matches


# The first example waits for the compiler.
@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 3), st.integers(0, 100))
def test_pairs_are_mutual_by_the_definition(n: int, m: int, top: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 8)).astype(np.float32), rng.normal(size=(m, 8)).astype(np.float32)
    pairs, score = mutual_matches(a, b, top)
    distance = np.linalg.norm(a[:, None].astype(float) - b[None], axis=2)
    # Distances of single precision: what ties within a millionth may come out either way.
    last, following = [], []
    for axis in (1, 0):
        ranked = np.pad(
            np.sort(distance, axis), [(0, top) if k == axis else (0, 0) for k in (0, 1)], constant_values=np.inf
        )
        last.append(ranked.take([min(top, distance.shape[axis]) - 1], axis))
        following.append(ranked.take([top], axis))
    possible = (distance <= np.minimum(*np.broadcast_arrays(*last)) * (1 + 1e-6)).nonzero()
    sure = (distance * (1 + 1e-6) < np.minimum(*np.broadcast_arrays(*following))).nonzero()
    found = set(map(tuple, pairs.tolist()))
    assert set(zip(*map(np.ndarray.tolist, sure), strict=True)) <= found
    assert found <= set(zip(*map(np.ndarray.tolist, possible), strict=True))
    assert len(score) == len(pairs)


def test_a_tie_of_single_precision_may_come_out_either_way() -> None:
    test_pairs_are_mutual_by_the_definition.hypothesis.inner_test(24, 24, 3, 17)


def test_nothing_matches_nothing() -> None:
    pairs, score = mutual_matches(np.zeros((0, 4), np.float32), np.zeros((5, 4), np.float32))
    assert pairs.shape == (0, 2)
    assert len(score) == 0
