import numpy as np
import pytest
from geo3d_compression.container.fields import Cursor
from geo3d_compression.volume.alphabet import Values
from geo3d_compression.volume.bricks import brick_shape, find_bricks, pack_bricks, unpack_bricks

from geo3d.errors import BitstreamError

VALUES = Values("range", 0, 1000, np.zeros(0, np.int64))


def known_of(shape: tuple[int, int, int], fills: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(fills)
    return np.where(rng.random(shape) < share, rng.integers(0, max(fills, 1), shape) * 7, -1)


@pytest.mark.parametrize(("fills", "share"), [(0, 0.0), (1, 1.0), (1, 0.8), (3, 0.9), (15, 0.5)])
def test_known_bricks_come_back(fills: int, share: float) -> None:
    known = known_of((3, 4, 9), fills, share)
    cursor = Cursor(pack_bricks(known, 0))
    assert (unpack_bricks(cursor, (24, 32, 66), 1000) == known).all()
    cursor.finish()


def test_a_shell_costs_little_and_space_left_and_right_of_it_is_told_apart() -> None:
    z, y, x = np.mgrid[:32, :32, :32] - 15.5
    radius = np.sqrt(x * x + y * y + z * z)
    known = np.where(np.abs(radius - 11) < 1, -1, np.where(radius < 11, 5, 900))
    packed = pack_bricks(known, 0)
    assert (unpack_bricks(Cursor(packed), (256, 256, 256), 1000) == known).all()
    assert len(packed) < known.size / 8 / 2


def test_padding_makes_the_least_length() -> None:
    known = np.full((2, 2, 2), 3)
    assert len(pack_bricks(known, 0)) < 12
    packed = pack_bricks(known, 50)
    assert 50 <= len(packed) <= 51
    assert (unpack_bricks(Cursor(packed), (16, 16, 16), 4) == known).all()


def test_bricks_of_a_volume_and_its_smaller_ones_at_the_far_sides() -> None:
    volume = np.full((10, 17, 8), 4)
    volume[9, 16, 7] = 5
    volume[0, 0, 0] = 6
    assert brick_shape(volume.shape) == (2, 3, 1)
    known = find_bricks([volume[:8], volume[8:]], VALUES)
    assert known.tolist() == [[[-1], [4], [4]], [[4], [4], [-1]]]


def test_rare_fills_count_as_mixed() -> None:
    volume = np.kron(np.arange(25).repeat(2).reshape(1, 1, 50), np.ones((8, 8, 8), np.int64))
    volume[..., :80] = 24
    known = find_bricks([volume], VALUES)
    assert len(np.unique(known)) == 16
    assert (known[0, 0, :10] == 24).all()


def test_what_does_not_fit_is_refused() -> None:
    packed = pack_bricks(np.full((2, 2, 2), 900), 0)
    with pytest.raises(BitstreamError, match="not below"):
        unpack_bricks(Cursor(packed), (16, 16, 16), 900)
    corner = np.full((4, 4, 4), 0)
    corner[3, 3, 3] = -1
    with pytest.raises(BitstreamError):
        unpack_bricks(Cursor(pack_bricks(corner, 0)), (24, 24, 24), 10)


def test_damage_ends_in_an_error_or_in_ranks_of_the_alphabet() -> None:
    packed = pack_bricks(known_of((4, 5, 6), 3, 0.7), 0)
    rng = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(packed[: rng.integers(1, len(packed) + 1)])
        for _ in range(rng.integers(0, 3)):
            broken[rng.integers(len(broken))] = rng.integers(256)
        try:
            known = unpack_bricks(Cursor(bytes(broken)), (32, 40, 48), 30)
            assert -1 <= known.min() <= known.max() < 30
        except BitstreamError:
            pass
