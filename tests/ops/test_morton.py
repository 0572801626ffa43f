import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import ShapeError
from geo3d.ops import morton_decode, morton_encode

AXIS = st.integers(0, 2**21 - 1)


def interleave(x, y, z):
    return sum(((x >> i & 1) << 3 * i + 2) | ((y >> i & 1) << 3 * i + 1) | ((z >> i & 1) << 3 * i) for i in range(21))


@given(AXIS, AXIS, AXIS)
def test_code_is_the_bits_interleaved_and_decodes(x, y, z):
    c = np.array([[x, y, z]])
    code = morton_encode(c)
    assert int(code[0]) == interleave(x, y, z)
    np.testing.assert_array_equal(morton_decode(code), c)
    tensor = morton_encode(torch.from_numpy(c))
    assert int(tensor[0]) == int(code[0])
    assert morton_decode(tensor).tolist() == c.tolist()


def test_refuses_floats_and_values_out_of_range():
    with pytest.raises(ShapeError, match="integer"):
        morton_encode(np.zeros((1, 3)))
    for bad in (-1, 2**21):
        with pytest.raises(ShapeError, match="0 to 2097151"):
            morton_encode(np.array([[0, 0, bad]]))


def test_empty_and_small_dtypes():
    assert morton_encode(np.zeros((0, 3), dtype=np.int32)).shape == (0,)
    assert morton_encode(np.array([255, 255, 255], dtype=np.uint8)) == 2**24 - 1
