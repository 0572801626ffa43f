import contextlib
import hashlib

import numpy as np
import pytest
from geo3d_compression.volume.alphabet import Values
from geo3d_compression.volume.bricks import find_bricks
from geo3d_compression.volume.model import new_model
from geo3d_compression.volume.patterns import to_integers
from geo3d_compression.volume.profiles import PROFILES, Profile
from geo3d_compression.volume.stream import decode_group as decode_slices
from geo3d_compression.volume.stream import encode_group
from geo3d_compression.volume.values import dense_alphabet

from geo3d.errors import BitstreamError


def decode_group(*arguments) -> np.ndarray:
    return np.stack(list(decode_slices(*arguments)))


def phantom() -> np.ndarray:
    """[5, 24, 20] ranks below 200: flat background, a smooth ball, integer noise without a random generator."""
    z, y, x = np.mgrid[0:5, 0:24, 0:20].astype(np.int64)
    ball = (y - 12) ** 2 + (x - 10) ** 2 + 4 * (z - 2) ** 2 < 80
    noise = (z * 7919 + y * 104729 + x * 1299709) * 2654435761 >> 13 & 15
    return np.where(ball, 60 + 3 * x + 2 * y + z + noise, 5)


GOLDEN: dict[Profile, str] = {"fast": "effcbb9350a66a96", "best": "20c66decfd341de8"}


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_golden_streams(profile: Profile) -> None:
    """Streams that were ever written decode for ever: a change here needs a new version, not a new constant."""
    ranks, alphabet = phantom(), dense_alphabet(0, 199)
    data = encode_group(ranks.copy(), alphabet, PROFILES[profile])
    assert (decode_group(data, ranks.shape, alphabet, PROFILES[profile]) == ranks).all()
    assert hashlib.sha256(data).hexdigest()[:16] == GOLDEN[profile]


def test_golden_streams_of_distances() -> None:
    """Known bricks, spikes, and floats predicted by value."""
    z, y, x = np.mgrid[0:12, 0:32, 0:32].astype(np.float64)
    steps = 2.0 ** -((x * 7 + y * 5 + z * 3) % 11)
    field = np.clip(((z - 6) ** 2 + (y - 16) ** 2 + (x - 16) ** 2 - 100 + steps) / 64, -1, 1).astype(np.float32)
    integers = to_integers(field)
    values = Values("float32", int(integers.min()), int(integers.max()), np.zeros(0, np.int64))
    known = find_bricks([integers[:8], integers[8:]], values)
    assert (known < 0).any()
    assert (known >= 0).any()
    ranks, spikes = values.ranks(integers), values.ranks(to_integers(np.array([1, 0], np.float32)))
    found = {}
    for profile in PROFILES:
        coder = values.alphabet(), PROFILES[profile], known, spikes
        data = encode_group(ranks.copy(), *coder)
        assert (decode_group(data, ranks.shape, *coder) == ranks).all()
        found[profile] = hashlib.sha256(data).hexdigest()[:16]
    assert found == {"fast": "0cd91ad905bda2ff", "best": "2fe8944b6944cf0c"}


def test_damaged_streams_end_and_never_crash() -> None:
    ranks, alphabet = phantom(), dense_alphabet(0, 199)
    data = encode_group(ranks.copy(), alphabet, PROFILES["fast"])
    rng = np.random.default_rng(0)
    with pytest.raises(BitstreamError, match=r"truncated|after its last"):
        decode_group(data[: len(data) // 2], ranks.shape, alphabet, PROFILES["fast"])
    with pytest.raises(BitstreamError):
        decode_group(data + bytes(9), ranks.shape, alphabet, PROFILES["fast"])
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(3):
            broken[rng.integers(len(broken))] = rng.integers(256)
        try:
            out = decode_group(bytes(broken), ranks.shape, alphabet, PROFILES["fast"])
            assert 0 <= out.min() <= out.max() < 200
        except BitstreamError:
            pass
    for huge in (1 << 16, 1 << 32):
        with contextlib.suppress(BitstreamError):
            decode_group(rng.bytes(3000), (2, 30, 30), dense_alphabet(0, huge - 1), PROFILES["best"])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 7), (3, 7, 1), (1, 40, 40), (9, 5, 5)])
def test_every_shape(shape: tuple[int, int, int]) -> None:
    ranks = np.random.default_rng(1).integers(0, 50, shape)
    for settings in PROFILES.values():
        data = encode_group(ranks.copy(), dense_alphabet(0, 49), settings)
        assert (decode_group(data, shape, dense_alphabet(0, 49), settings) == ranks).all()


def test_background_is_nearly_free() -> None:
    ranks = np.zeros((10, 100, 100), np.int64)
    assert len(encode_group(ranks, dense_alphabet(0, 4000), PROFILES["fast"])) < 40


def test_a_new_model_is_a_function_of_its_arguments() -> None:
    a, b = (new_model(4, 5, PROFILES["fast"]) for _ in range(2))
    assert (a.mixture.apm == b.mixture.apm).all()
    assert a.planes.values.shape == (3, 12 * 13)
