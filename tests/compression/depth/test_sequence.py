import hashlib

import numpy as np
import pytest
from geo3d_compression.depth.sequence import Steps, decode_frames, encode_frames
from geo3d_compression.depth.warp import FixedCamera, fixed_motion

from geo3d.errors import BitstreamError
from geo3d.types import PinholeCamera

CAMERA = FixedCamera.of(PinholeCamera(48, 36, 40.0, 40.0, 24.0, 18.0))


def room(count: int = 3) -> tuple[np.ndarray, list]:
    """Pictures of a corner and a box by a camera that moves sideways, in disparity steps, with holes."""
    y, x = np.mgrid[0:36, 0:48].astype(np.int64)
    frames, motions = [], []
    for k in range(count):
        depth = 2000 + 20 * (x + 2 * k) - 10 * y
        depth = np.where((abs(x - 20 + 3 * k) < 8) & (abs(y - 20) < 6), 1200, depth)
        depth = 400_000 // (400_000 // depth)
        frames.append(np.where((x * 7 + y * 13 + k) % 31 == 0, 0, depth))
        T = np.eye(4)
        T[0, 3] = -0.05
        motions.append(None if k == 0 else fixed_motion(T, 1000.0))
    return np.stack(frames), motions


def test_steps() -> None:
    steps = Steps(np.array([10, 20, 40]))
    assert steps.ranks(np.array([0, 10, 20, 40, 1, 14, 15, 29, 30, 65535])).tolist() == [0, 1, 2, 3, 1, 1, 2, 2, 3, 3]
    assert steps.depth(np.array([0, 1, 2, 3])).tolist() == [0, 10, 20, 40]


@pytest.mark.parametrize("moving", [True, False])
def test_pictures_come_back(moving: bool) -> None:
    frames, motions = room()
    motions = motions if moving else [None] * 3
    steps = Steps(np.unique(frames[frames > 0]))
    ranks = steps.ranks(frames)
    data = encode_frames(ranks.copy(), steps, CAMERA, motions)
    assert (steps.depth(decode_frames(data, ranks.shape, steps, CAMERA, motions)) == frames).all()


def test_random_pictures_come_back() -> None:
    ranks = np.random.default_rng(0).integers(0, 60_000, (2, 9, 7))
    steps = Steps(np.arange(1, 60_001))
    data = encode_frames(ranks.copy(), steps, None, [None, None])
    assert (decode_frames(data, ranks.shape, steps, None, [None, None]) == ranks).all()


def test_golden_stream() -> None:
    """Streams that were ever written decode for ever: a change here needs a new version, not a new constant."""
    frames, motions = room()
    steps = Steps(np.unique(frames[frames > 0]))
    data = encode_frames(steps.ranks(frames), steps, CAMERA, motions)
    assert hashlib.sha256(data).hexdigest()[:16] == "f4037b0716a324d5"


def test_a_repeated_picture_is_nearly_free() -> None:
    frames, _ = room(1)
    steps = Steps(np.unique(frames[frames > 0]))
    one = len(encode_frames(steps.ranks(frames), steps, None, [None]))
    many = len(encode_frames(steps.ranks(np.repeat(frames, 8, axis=0)), steps, None, [None] * 8))
    assert many < 2 * one


def test_damaged_streams_end_and_never_crash() -> None:
    frames, motions = room()
    steps = Steps(np.unique(frames[frames > 0]))
    data = encode_frames(steps.ranks(frames), steps, CAMERA, motions)
    with pytest.raises(BitstreamError):
        decode_frames(data[: len(data) // 3], frames.shape, steps, CAMERA, motions)
    rng = np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        broken[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        try:
            ranks = decode_frames(bytes(broken), frames.shape, steps, CAMERA, motions)
            assert 0 <= ranks.min() <= ranks.max() <= len(steps.values)
        except BitstreamError:
            pass
