"""Closed surfaces are coded with their own network, scans with the general one; the stream says which."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.choice import DENSE, GENERAL, choose_network
from geo3d_compression.octree.stage import NO_SENSOR, SPINNING
from geo3d_compression.octree.weights import NETWORKS

from geo3d.errors import BitstreamError

_NETWORK_BYTE = 3


def _plane(step: int) -> np.ndarray:
    x, y = np.mgrid[:96:step, :96:step].reshape(2, -1)
    return np.stack([x, y, 40 + (x + 2 * y) // 9], 1)


@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize(("step", "network"), [(1, DENSE), (3, GENERAL)])
def test_the_stream_names_the_network(step: int, network: int, profile: octree.Profile) -> None:
    voxels = _plane(step)
    chunks = octree.encode(voxels, 7, profile)
    assert chunks[0][_NETWORK_BYTE] == network
    assert len(octree.decode(chunks, 7)) == len(voxels)


def test_turns_of_a_scanner_are_never_dense() -> None:
    assert choose_network("best", 4000, 1000, NO_SENSOR) == DENSE
    assert choose_network("best", 4000, 1000, SPINNING) == GENERAL
    assert choose_network("best", 0, 1, NO_SENSOR) == GENERAL


def test_unknown_networks_are_refused() -> None:
    chunks = octree.encode(_plane(1), 7, "best")
    damaged = bytearray(chunks[0])
    damaged[_NETWORK_BYTE] = len(NETWORKS["best"])
    with pytest.raises(BitstreamError, match="network 2; profile best has 2"):
        octree.decode([bytes(damaged), *chunks[1:]], 7)
