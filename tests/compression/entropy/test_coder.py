"""Range coder: closed forms, round trips, carries, golden bytes, truncation."""

import numpy as np
import pytest
from geo3d_compression.entropy.coder import (
    LOW,
    OVERRUN,
    RANGE,
    TAIL,
    check_decoder,
    code_bit,
    code_bits,
    code_symbol,
    finish,
    new_decoder,
    new_encoder,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError


@njit
def _run(state, buffer, p, bits, encode):
    for i in range(bits.size):
        bits[i] = code_bit(state, buffer, p[i], bits[i], encode)


def _encode(p: NDArray[np.int64], bits: NDArray[np.int64]) -> bytes:
    state, buffer = new_encoder(len(bits))
    _run(state, buffer, p, bits.copy(), True)
    return finish(state, buffer)


def _decode(p: NDArray[np.int64], data: bytes) -> NDArray[np.int64]:
    state, buffer = new_decoder(data)
    bits = np.zeros(len(p), np.int64)
    _run(state, buffer, p, bits, False)
    check_decoder(state, buffer)
    return bits


@given(st.lists(st.tuples(st.integers(1, 65535), st.integers(0, 1)), max_size=300))
@settings(deadline=None, max_examples=200)
def test_bits_round_trip(pairs: list[tuple[int, int]]) -> None:
    p = np.array([a for a, _ in pairs], np.int64)
    bits = np.array([b for _, b in pairs], np.int64)
    np.testing.assert_array_equal(_decode(p, _encode(p, bits)), bits)


@pytest.mark.parametrize("q", [0.5, 0.1, 0.01, 0.001])
def test_length_is_the_entropy(q: float) -> None:
    n = 200_000
    bits = (np.random.default_rng(0).random(n) < q).astype(np.int64)
    p = np.full(n, round(q * 65536), np.int64)
    ones, zeros = bits.sum(), n - bits.sum()
    ideal = -(ones * np.log2(p[0] / 65536) + zeros * np.log2(1 - p[0] / 65536)) / 8
    assert ideal * 0.999 - 1 <= len(_encode(p, bits)) <= ideal * 1.001 + 4


def test_worst_case_fits_the_buffer() -> None:
    bits = np.ones(20_000, np.int64)
    data = _encode(np.ones(20_000, np.int64), bits)
    assert len(data) == pytest.approx(40_000, rel=0.01)
    np.testing.assert_array_equal(_decode(np.ones(20_000, np.int64), data), bits)


def test_carry_runs_through_pending_bytes() -> None:
    """Drive low to 0x..FFFFFF and then over: bytes already set aside as 0xFF must become 0x00 with a carry."""
    rng = np.random.default_rng(1)
    carried = 0
    for _ in range(300):
        state, buffer = new_encoder(400)
        p = rng.choice(np.array([1, 2, 65534, 65535]), 400).astype(np.int64)
        bits = np.where(rng.random(400) < 0.97, p < 30000, p > 30000).astype(np.int64)
        state[LOW] = 0
        _run(state, buffer, p, bits.copy(), True)
        data = finish(state, buffer)
        carried += data.count(b"\0\0") > 0 or data.count(b"\xff\xff") > 0
        np.testing.assert_array_equal(_decode(p, data), bits)
    assert carried > 50


def test_empty_stream_is_empty() -> None:
    assert _encode(np.zeros(0, np.int64), np.zeros(0, np.int64)) == b""


def test_golden_bytes() -> None:
    rng = np.random.default_rng(7)
    p = rng.integers(1, 65536, 200)
    bits = (rng.random(200) * 65536 < p).astype(np.int64)
    assert _encode(p, bits).hex() == "fd6fa23bb50437a28e3fa6090b0746bce31492"


def test_reading_past_the_end_is_an_error() -> None:
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2, 4000)
    p = np.full(4000, 32768, np.int64)
    data = _encode(p, bits)
    for cut in (0, 1, 100, len(data) - TAIL - 2):
        with pytest.raises(BitstreamError, match="truncated"):
            _decode(p, data[:cut])
    with pytest.raises(BitstreamError, match="after its last symbol"):
        _decode(p, data + b"12345678")


@given(st.binary(max_size=60), st.integers(1, 65535))
@settings(deadline=None, max_examples=100)
def test_any_bytes_decode_or_raise(data: bytes, q: int) -> None:
    p = np.full(500, q, np.int64)
    try:
        bits = _decode(p, data)
    except BitstreamError:
        return
    assert set(bits.tolist()) <= {0, 1}


@njit
def _run_symbols(state, buffer, cumulative, symbols, encode):
    for i in range(symbols.size):
        symbols[i] = code_symbol(state, buffer, cumulative, symbols[i], encode)
        code_bits(state, buffer, 5, 3, encode)


@given(st.lists(st.integers(1, 2000), min_size=2, max_size=60), st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_symbols_round_trip(weights: list[int], seed: int) -> None:
    w = np.array(weights)
    frequency = np.maximum(1, w * (65536 - len(w)) // w.sum())
    frequency[-1] += 65536 - frequency.sum()
    cumulative = np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64)
    symbols = np.random.default_rng(seed).choice(len(w), 200, p=frequency / 65536).astype(np.int64)
    state, buffer = new_encoder(200 * 4)
    _run_symbols(state, buffer, cumulative, symbols.copy(), True)
    data = finish(state, buffer)
    state, buffer = new_decoder(data)
    decoded = np.zeros(200, np.int64)
    _run_symbols(state, buffer, cumulative, decoded, False)
    check_decoder(state, buffer)
    np.testing.assert_array_equal(decoded, symbols)
    assert state[OVERRUN] <= TAIL
    assert state[RANGE] > 0
