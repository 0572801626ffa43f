"""Morton codes against a bit loop."""

import numpy as np
from geo3d_compression.octree.morton import MAX_DEPTH, morton_decode, morton_encode


def test_bits_interleave() -> None:
    voxels = np.random.default_rng(0).integers(0, 2**MAX_DEPTH, (200, 3))
    for voxel, code in zip(voxels.tolist(), morton_encode(voxels).tolist(), strict=True):
        expected = 0
        for bit in range(MAX_DEPTH):
            for axis in range(3):
                expected |= (voxel[axis] >> bit & 1) << (3 * bit + 2 - axis)
        assert code == expected


def test_round_trip() -> None:
    voxels = np.random.default_rng(1).integers(0, 2**MAX_DEPTH, (1000, 3))
    np.testing.assert_array_equal(morton_decode(morton_encode(voxels)), voxels)
