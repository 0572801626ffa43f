import numpy as np
from geo3d_compression.bench.rvl import rvl_decode, rvl_encode


def test_a_worked_example_and_round_trips() -> None:
    # Two zeros, two depths (+5 -> 10 = nibbles 2|8, 1; -1 -> 1): nibbles 2, 2, 10, 1, 1 and a filling 0.
    assert rvl_encode(np.array([[0, 0, 5, 4]], np.uint16)) == bytes([0x22, 0xA1, 0x10])
    rng = np.random.default_rng(0)
    for depth in (rng.integers(0, 65536, (9, 11)), rng.integers(0, 2, (9, 11)) * 1000, np.zeros((3, 4))):
        d = depth.astype(np.uint16)
        assert (rvl_decode(rvl_encode(d), d.shape) == d).all()
