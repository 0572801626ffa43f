import numpy as np
import pytest
from geo3d_compression.volume.patterns import DTYPES, from_integers, to_integers
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", DTYPES)
@given(data=st.binary(min_size=8, max_size=64))
def test_every_bit_pattern_comes_back_and_order_is_kept(name: str, data: bytes) -> None:
    dtype = np.dtype(name)
    voxels = np.frombuffer(data[: len(data) // 8 * 8], np.uint8)
    voxels = (voxels & 1).astype(np.bool_) if name == "bool" else voxels.view(dtype)
    integers = to_integers(voxels)
    assert integers.dtype == np.int64
    assert from_integers(integers, dtype).tobytes() == voxels.tobytes()
    real = voxels[np.isfinite(voxels)] if dtype.kind == "f" else voxels
    order = to_integers(real)
    for a, x in zip(order, real, strict=True):
        assert (order[real > x] > a).all()
