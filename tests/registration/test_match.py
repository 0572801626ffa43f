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
    rank_row, rank_column = distance.argsort(1).argsort(1), distance.argsort(0).argsort(0)
    expected = {(i, j) for i in range(n) for j in range(m) if rank_row[i, j] < top and rank_column[i, j] < top}
    assert set(map(tuple, pairs.tolist())) == expected
    assert len(score) == len(pairs)


def test_nothing_matches_nothing() -> None:
    pairs, score = mutual_matches(np.zeros((0, 4), np.float32), np.zeros((5, 4), np.float32))
    assert pairs.shape == (0, 2)
    assert len(score) == 0
