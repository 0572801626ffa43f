"""Adaptive models: what they converge to, and bounds that keep the arithmetic in range."""

import numpy as np
import pytest
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    new_apm,
    new_counters,
    new_mixer,
    squash,
    stretch,
)
from geo3d_compression.entropy.tables import STRETCH_LIMIT
from numba import njit


@njit
def _train_counter(slot, bits, limit):
    for b in bits:
        slot = counter_update(slot, b, limit)
    return slot


@njit
def _mix(weights, inputs, bits, rate):
    cost = 0.0
    for i in range(bits.size):
        x = mixer_dot(weights, 0, inputs[i], inputs.shape[1])
        p = squash(x)
        cost -= np.log2((p if bits[i] else 65536 - p) / 65536)
        mixer_update(weights, 0, inputs[i], inputs.shape[1], (bits[i] << 16) - p, rate)
    return cost / bits.size


@njit
def _apm(table, x, bits):
    for b in bits:
        apm_update(table, 0, x, b, 6)
    return apm_refine(table, 0, x)


@njit
def _indices(keys, bits):
    out = np.zeros(keys.size, np.int64)
    for i in range(keys.size):
        out[i] = hash_index(keys[i], bits)
    return out


def test_counter_is_the_mean_of_what_it_saw() -> None:
    bits = (np.random.default_rng(0).random(1000) < 0.2).astype(np.int64)
    slot = _train_counter(new_counters(1)[0], bits, 1023)
    assert int(slot) >> 16 == pytest.approx(65536 * bits.mean(), rel=0.02)
    assert int(slot) & 1023 == 1000


def test_counter_saturates_inside_its_field() -> None:
    for bit in (0, 1):
        slot = _train_counter(new_counters(1)[0], np.full(100_000, bit, np.int64), 127)
        assert int(slot) & 1023 == 127
        assert 1 <= int(slot) >> 16 <= 65535


@njit
def _input(slot):
    return counter_input(slot)


def test_unseen_counter_says_nothing() -> None:
    assert _input(new_counters(1)[0]) == 0


def test_mixer_finds_the_informative_input() -> None:
    rng = np.random.default_rng(0)
    p = rng.choice([0.05, 0.95], 20_000)
    bits = (rng.random(20_000) < p).astype(np.int64)
    inputs = np.stack([np.log(p / (1 - p)) * 256, rng.normal(0, 500, 20_000)], 1).astype(np.int64)
    weights = new_mixer(1, 2, 0.3)
    cost = _mix(weights, inputs, bits, 8)
    assert cost < 0.2864 * 1.05  # H(0.05) bits
    assert weights[0, 0] / 65536 == pytest.approx(1, abs=0.2)
    assert abs(weights[0, 1]) / 65536 < 0.1


def test_mixer_stays_bounded_under_contradiction() -> None:
    inputs = np.full((5000, 3), STRETCH_LIMIT, np.int64)
    weights = new_mixer(1, 3, 1.0)
    _mix(weights, inputs, np.zeros(5000, np.int64), 64)
    assert np.abs(weights).max() <= 16 * 65536


def test_apm_starts_as_identity_and_learns() -> None:
    table = new_apm(1)
    for x in (-2000, -300, 0, 77, 1500):
        assert _apm(table, x, np.zeros(0, np.int64)) == pytest.approx(squash(x), abs=400)
    assert _apm(table, 0, np.ones(500, np.int64)) > 60_000


def test_extreme_logits_stay_inside_the_apm() -> None:
    table = new_apm(1)
    for x in (-STRETCH_LIMIT, STRETCH_LIMIT):
        assert 1 <= _apm(table, x, np.ones(3, np.int64)) <= 65535


def test_stretch_and_squash_are_inverse() -> None:
    assert stretch(squash(700)) == pytest.approx(700, abs=3)


def test_hash_spreads_sequential_keys() -> None:
    indices = _indices(np.arange(1 << 14, dtype=np.int64), 12)
    counts = np.bincount(indices, minlength=1 << 12)
    assert indices.max() < 1 << 12
    assert counts.std() < 2.4  # Poisson with mean 4 has 2
