"""Numbers in text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import FormatError
from geo3d.io.text import cast_exactly, format_columns, parse_numbers


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=True)), st.lists(st.floats(width=32)))
def test_what_is_written_reads_back(doubles, singles):
    for values in (np.array(doubles, np.float64), np.array(singles, np.float32)):
        text = format_columns([values])
        assert np.array_equal(parse_numbers(text).astype(values.dtype), values, equal_nan=True)


def test_integers_are_written_whole():
    columns = [np.array([2**63 - 1, -(2**63)]), np.array([2**64 - 1, 0], np.uint64), np.array([True, False])]
    assert format_columns(columns, ",") == b"9223372036854775807,18446744073709551615,1\n-9223372036854775808,0,0\n"


def test_the_bad_token_is_named():
    with pytest.raises(FormatError, match=r"'four' \(line 2"):
        parse_numbers(b"1 2 3\n four 5 6")
    with pytest.raises(FormatError, match="zero bytes"):
        parse_numbers(b"1 2\0 3")
    assert parse_numbers(b" \n\t ").tolist() == []


def test_integers_that_float64_rounds_are_refused():
    with pytest.raises(FormatError, match="beyond"):
        cast_exactly(np.array([2.0**53]), np.dtype("i8"), "id")


def test_casts_that_would_wrap_are_refused():
    assert cast_exactly(np.array([0.0, 255.0]), np.dtype("u1"), "red").tolist() == [0, 255]
    for value in (256.0, -1.0, 0.5, np.nan, np.inf):
        with pytest.raises(FormatError, match="'red' is declared uint8"):
            cast_exactly(np.array([value]), np.dtype("u1"), "red")
