"""Every dtype becomes integers and comes back bit for bit."""

from typing import Any

import numpy as np
import pytest
from geo3d_compression.attributes.integers import (
    DTYPES,
    ChannelSurvey,
    IntegerMap,
    from_ordered,
    to_integers,
    to_ordered,
)
from geo3d_compression.container.fields import Cursor
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

CHANNELS = st.sampled_from(DTYPES).flatmap(lambda d: hnp.arrays(np.dtype(d), st.integers(1, 40)))


@given(CHANNELS)
def test_round_trip_of_any_channel(channel: NDArray[Any]) -> None:
    how, integers = to_integers(channel)
    again = IntegerMap.unpack(Cursor(how.pack()))
    assert again == how
    back = again.restore(integers)
    assert back.dtype == channel.dtype
    assert back.tobytes() == channel.tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_order_of_floats_is_kept(dtype: str) -> None:
    x = np.array([-np.inf, -1e4, -1.0, -1e-5, -0.0, 0.0, 1e-5, 1.0, 1e4, np.inf], dtype)
    ordered = to_ordered(x)
    assert (np.diff(ordered) > 0).all()
    assert from_ordered(ordered, np.dtype(dtype)).tobytes() == x.tobytes()


def test_kinds_are_chosen_by_what_is_there() -> None:
    rng = np.random.default_rng(0)
    hundredths = (rng.integers(0, 100, 500) / 100).astype(np.float32)
    assert to_integers(hundredths)[0].kind == "decimal"
    assert to_integers(hundredths)[0].high <= 99
    assert to_integers(rng.normal(size=5000))[0].kind == "bits"
    assert to_integers(rng.choice([3, 10**12, -(10**15)], 500))[0].kind == "palette"
    assert to_integers(np.arange(5000))[0].kind == "plain"


def test_damaged_maps_are_refused() -> None:
    with pytest.raises(BitstreamError, match="ranges from"):
        IntegerMap.unpack(Cursor(IntegerMap("uint8", "plain", 5, 4).pack()))
    with pytest.raises(BitstreamError, match="palette does not fit"):
        IntegerMap.unpack(Cursor(IntegerMap("uint8", "palette", 0, 4, palette=b"\x02").pack()))
    with pytest.raises(BitstreamError, match="divisor"):
        IntegerMap.unpack(Cursor(IntegerMap("float32", "decimal", 0, 4).pack()))
    with pytest.raises(BitstreamError, match="leaves the range"):
        IntegerMap("uint8", "plain", 0, 4).restore(np.array([5]))


@pytest.mark.parametrize("seed", range(12))
def test_the_map_of_pieces_is_the_map_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 20_000
    channel = [
        rng.integers(0, 256, n).astype(np.uint8),
        rng.choice([3, 70_000, -5], n).astype(np.int32),
        np.round(rng.random(n) * 50, 2),
        np.append(np.round(rng.random(n - 1) * 50, 1), 0.123456789),
        np.append(np.zeros(n - 1, np.float32), np.float32(-0.0)),
        rng.choice(rng.normal(size=900), n),
        np.append(np.full(n - 1, 2.5), np.nan),
        rng.integers(0, 1 << 63, n).astype(np.uint64) * np.uint64(2),
        rng.random(n) < 0.5,
        np.arange(n) // 17 * 1000,
        rng.normal(size=n).astype(np.float16),
        np.append(np.arange(n - 2000) % 7, rng.integers(0, 1 << 40, 2000)),
    ][seed]
    survey, pieces = ChannelSurvey(), np.split(channel, [1, 5000, 5001, 15_000])
    for piece in pieces:
        survey.add(piece)
    wanted, integers = to_integers(channel)
    assert survey.map() == wanted
    assert np.array_equal(np.concatenate([wanted.integers(p) for p in pieces]), integers)
    assert wanted.restore(integers).tobytes() == channel.tobytes()
