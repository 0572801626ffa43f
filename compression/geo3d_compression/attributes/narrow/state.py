"""What the rich model keeps between values: predictors' filters, learned tables, mixers; and its scratch arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from geo3d_compression.attributes.narrow.tables import PLACES, SLOTS, UNIT
from geo3d_compression.attributes.surroundings import NEAR
from geo3d_compression.entropy.models import new_apm, new_counters, new_mixer

# Predictors by number; the last three learn.
FOURTH_MEAN, SECOND_MEAN, SIXTH_MEAN, ALIKE, LINE, MATCH, PLACE_MEAN, PLACE_BEST, SLOW, FAST, WIDE = range(11)
PREDICTORS = 11
# Distributions: one a predictor, two around the best guess, and copies of neighbours.
AROUND, AROUND_SPREAD, COPIES = PREDICTORS, PREDICTORS + 1, PREDICTORS + 2
EXPERTS = PREDICTORS + 3
CONTEXTS = 18
INPUTS = EXPERTS + CONTEXTS + 1
FEATURES = 16
WIDE_INPUTS = SLOTS + FEATURES

# Classes of unrest and of spread (two an octave), kinds of decisions, nodes of a value's tree.
CLASSES = 24
KINDS = 32
NODES = 1024
SETS = 4
LEVELS = 4
REMAINDER_CONTEXTS = 10

_MOST_BITS = 18


class Filter(NamedTuple):
    """Least squares of each channel: covariance [C, n, n], its product with the target [C, n], weights [C, n]."""

    A: Any
    b: Any
    w: Any


class Seen(NamedTuple):
    """Of each value [N, C]: itself, the error of the best guess, of each predictor; of each point, copied channels."""

    values: Any  # int64, from 0 on
    error: Any  # int32 in sixteenths
    errors: Any  # [N, C, PREDICTORS] uint16 absolute, in sixteenths
    copied: Any  # [N] uint8
    remainder: Any  # [N] int64


class Learned(NamedTuple):
    """Adaptive tables of prediction."""

    slow: Filter
    fast: Filter
    wide: Filter
    scale: Any  # [EXPERTS, C * CLASSES^2] mean absolute error, in 1/256 of a sixteenth
    difference: Any  # [C, PLACES] mean squared difference to a neighbour, in sixteenths squared / 256
    equal: Any  # [C, 16, PLACES] chance that a neighbour has the same value, in 1 / 2^22


class Mixer(NamedTuple):
    """Counters, mixers in `SETS` sets and the one that joins them, secondary estimators."""

    counters: Any  # [CONTEXTS, 2^bits]
    weights: Any  # [rows, INPUTS], the sets one after the other
    used: Any  # [rows] how often
    joint: Any  # [KINDS, SETS]
    apm: Any  # [NODES * C, 33]
    apm_unrest: Any  # [C * CLASSES * KINDS, 33]


class RemainderMixer(NamedTuple):
    """The same for remainders of `lattice`."""

    counters: Any
    weights: Any
    apm: Any


class Around(NamedTuple):
    """The neighbours of a point."""

    values: Any  # [C, NEAR]
    square: Any  # [NEAR] squared distances
    kind: Any  # [NEAR] kinds of places
    match: Any  # [NEAR] how many channels were equal, from the first on
    chance: Any  # [NEAR] that the value is this neighbour's, in 1 / 2^16


class Inputs(NamedTuple):
    """What the least squares are told."""

    features: Any  # [FEATURES]
    all: Any  # [FEATURES] 0, 1, 2 ...
    places: Any  # [WIDE_INPUTS] inputs that are not 0 ...
    values: Any  # [WIDE_INPUTS] ... and what they are


class Odds(NamedTuple):
    """The experts' distributions, each [EXPERTS], and what they say."""

    mean: Any  # predictions
    inverse: Any  # 2^28 / scale
    where: Any  # place in `scale`
    low: Any  # distribution function at the ends of what is possible yet ...
    high: Any
    left: Any  # ... and at the edges in question
    right: Any
    told: Any  # [INPUTS] int32 logits, those of the counters behind


class Keys(NamedTuple):
    """Contexts of a value."""

    keys: Any  # [CONTEXTS]
    slots: Any  # [CONTEXTS] their counters
    rows: Any  # [SETS] first rows of the weights
    logits: Any  # [SETS] int32, what the mixers say
    steps: Any  # [27] possible remainders


class Work(NamedTuple):
    """Scratch arrays.  Functions take the parts that they need: every array of an argument costs compiling time."""

    around: Around
    inputs: Inputs
    odds: Odds
    keys: Keys
    base: Any  # [C] weighted means
    guess: Any  # [C] best guesses


class Model(NamedTuple):
    """All of it; `span` [C] is each channel's greatest value, `joined` whether remainders follow."""

    seen: Seen
    learned: Learned
    mixer: Mixer
    remainder: RemainderMixer
    work: Work
    span: Any
    joined: int


def new_model(n: int, span: Any, total: int, joined: bool) -> Model:
    """A model for n points; `total` is how many the encoder had, by which the tables are sized."""
    C = len(span)
    bits = min(_MOST_BITS, max(10, (4 * total * C).bit_length()))
    seen = Seen(
        _zeros(n, C), np.zeros((n, C), np.int32), np.zeros((n, C, PREDICTORS), np.uint16), np.zeros(n, np.uint8),
        _zeros(n if joined else 1),
    )  # fmt: skip
    octaves = np.arange(CLASSES)
    start = (256 * UNIT * np.where(octaves % 2, 181, 128) << octaves // 2) // 1280
    learned = Learned(
        _filter(C, FEATURES), _filter(C, FEATURES), _filter(C, WIDE_INPUTS),
        np.tile(np.repeat(start, CLASSES), (EXPERTS, C)).astype(np.int64),
        np.full((C, PLACES), 1 << 18), np.full((C, 16, PLACES), 1 << 16),
    )  # fmt: skip
    weights = new_mixer(sum(set_sizes(C)), INPUTS, 0.1)
    weights[:, :EXPERTS] = 39321 // EXPERTS
    mixer = Mixer(
        np.stack([new_counters(1 << bits) for _ in range(CONTEXTS)]), weights, np.zeros(len(weights), np.int64),
        new_mixer(KINDS, SETS, 0.25), new_apm(NODES * C), new_apm(C * CLASSES * KINDS),
    )  # fmt: skip
    remainder = RemainderMixer(
        np.stack([new_counters(1 << (bits - 2 if joined else 4)) for _ in range(REMAINDER_CONTEXTS)]),
        new_mixer(32, REMAINDER_CONTEXTS + 2, 0.2), new_apm(32 * 32),
    )  # fmt: skip
    work = Work(
        Around(_zeros(C, NEAR), _zeros(NEAR), _zeros(NEAR), _zeros(NEAR), _zeros(NEAR)),
        Inputs(_zeros(FEATURES), np.arange(FEATURES), _zeros(WIDE_INPUTS), _zeros(WIDE_INPUTS)),
        Odds(
            _zeros(EXPERTS), _zeros(EXPERTS), _zeros(EXPERTS), _zeros(EXPERTS), _zeros(EXPERTS), _zeros(EXPERTS),
            _zeros(EXPERTS), np.zeros(INPUTS, np.int32),
        ),
        Keys(_zeros(CONTEXTS), _zeros(CONTEXTS), _zeros(SETS), np.zeros(SETS, np.int32), _zeros(27)),
        _zeros(C), _zeros(C),
    )  # fmt: skip
    return Model(seen, learned, mixer, remainder, work, np.asarray(span, np.int64), int(joined))


def set_sizes(C: int) -> tuple[int, ...]:
    """Rows of each set of mixers: by node; unrest; the other channels' surprise; level and number of neighbours."""
    return NODES * C, C * CLASSES * KINDS, C * CLASSES * KINDS, C * LEVELS * CLASSES * KINDS


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, np.int64)


def _filter(C: int, n: int) -> Filter:
    return Filter(_zeros(C, n, n), _zeros(C, n), _zeros(C, n))
