import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import FormatError, ShapeError
from geo3d.io.volumes.volume import Volume, native, pack_parts, unpack_parts


@given(st.lists(st.binary(max_size=20)))
def test_parts_come_back(parts: list[bytes]) -> None:
    assert unpack_parts(pack_parts(parts)) == parts


def test_truncated_parts_are_refused() -> None:
    data = pack_parts([b"abc", b"defg"])
    for cut in (2, 6, 9, len(data) - 1):
        with pytest.raises(FormatError):
            unpack_parts(data[:cut])


def test_checks_and_spacing() -> None:
    with pytest.raises(ShapeError):
        Volume(np.zeros((0, 1, 1)))
    with pytest.raises(ShapeError):
        Volume(np.zeros((1, 1, 1)), np.eye(3))
    assert Volume(np.zeros((1, 1, 1))).spacing is None
    assert Volume(np.zeros((1, 1, 1)), np.diag([2, -3, 4, 1.0])).spacing == (2, 3, 4)
    assert native(np.arange(3, dtype=">i2")).dtype.isnative
