import numpy as np
from geo3d_compression.depth.near import representatives
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(1, 500), min_size=1, unique=True), st.integers(0, 40))
def test_the_bound_holds_with_the_fewest_steps(values: list[int], bound: int) -> None:
    v = np.array(sorted(values))
    stands = representatives(v, bound)
    assert (np.abs(stands - v) <= bound).all()
    assert set(stands) <= set(v)
    assert (np.diff(stands) >= 0).all()
    # Values farther apart than 2 * bound need different representatives: a packing bounds any covering from below.
    packing, last = 0, -(10**9)
    for x in v:
        if x > last + 2 * bound:
            packing, last = packing + 1, x
    assert packing <= len(set(stands)) <= (len(v) if bound == 0 else 2 * packing)
