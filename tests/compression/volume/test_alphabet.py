import numpy as np
import pytest
from geo3d_compression.volume.alphabet import Values, choose, parse

from geo3d.errors import BitstreamError, ShapeError


def roundtrip(values: Values) -> Values:
    return parse(values.form, values.first, values.last, values.to_bytes())


def test_dense_values_are_a_range() -> None:
    block = np.arange(-100, 400).repeat(20)
    values = choose([block], np.dtype(np.int16))
    assert (values.form, values.first, values.last, values.to_bytes()) == ("range", -100, 399, b"")
    assert (values.integers(values.ranks(block)) == block).all()


def test_gaps_that_repeat_are_left_out() -> None:
    block = (3 * np.random.default_rng(0).integers(0, 400, 100_000)).astype(np.int64)
    values = choose([block[:50_000], block[50_000:]], np.dtype(np.uint16))
    assert values.form == "sparse"
    again = roundtrip(values)
    assert (again.present == np.unique(block)).all()
    assert (again.integers(again.ranks(block)) == block).all()
    alphabet = again.alphabet()
    assert alphabet.size == len(again.present)
    assert (alphabet.rank_at[block - values.first] == again.ranks(block)).all()
    assert len(values.to_bytes()) < 60


def test_values_missing_by_chance_are_not_listed() -> None:
    rng = np.random.default_rng(1)
    assert choose([rng.integers(0, 20_000, 20_000)], np.dtype(np.uint16)).form == "range"


def test_few_wide_values_become_a_table() -> None:
    block = np.random.default_rng(0).choice([-(1 << 62), 5, 1 << 40, (1 << 63) - 1], 1000)
    values = choose([block], np.dtype(np.int64))
    assert values.form == "table"
    again = roundtrip(values)
    assert (again.integers(again.ranks(block)) == block).all()


def test_many_wide_values_are_refused() -> None:
    block = np.random.default_rng(0).integers(-(1 << 62), 1 << 62, 100_000)
    with pytest.raises(ShapeError, match="float32"):
        choose([block], np.dtype(np.int64))


def test_damaged_lists_are_refused() -> None:
    block = (3 * np.random.default_rng(0).integers(0, 400, 100_000)).astype(np.int64)
    values = choose([block], np.dtype(np.uint16))
    with pytest.raises(BitstreamError):
        parse("sparse", 0, 1197, values.to_bytes() + b"xxxx")
    with pytest.raises(BitstreamError):
        parse("sparse", 0, 1 << 20, b"")
    with pytest.raises(BitstreamError):
        parse("range", 5, 4, b"")
    for data in (b"", b"junk", b"x\x9c\x03\x00\x00\x00\x00\x01"):
        with pytest.raises(BitstreamError):
            parse("table", 0, 10, data)
