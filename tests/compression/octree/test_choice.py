"""Which networks code a cloud: those for surfaces, or the general one; the stream says which."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.choice import GENERAL, SURFACES, choose_networks
from geo3d_compression.octree.sensor_contexts import NO_SENSOR, SPINNING
from geo3d_compression.octree.weights import NETWORKS

from geo3d.errors import BitstreamError

_NETWORKS_BYTE = 3


def _plane(step: int) -> np.ndarray:
    x, y = np.mgrid[:96:step, :96:step].reshape(2, -1)
    return np.stack([x, y, 40 + (x + 2 * y) // 9], 1)


@pytest.mark.parametrize(
    ("profile", "step", "networks"),
    [("fast", 1, SURFACES), ("fast", 3, GENERAL), ("best", 1, SURFACES), ("best", 3, SURFACES)],
)
def test_the_stream_names_the_networks(profile: octree.Profile, step: int, networks: int) -> None:
    voxels = _plane(step)
    chunks = octree.encode(voxels, 7, profile)
    assert chunks[0][_NETWORKS_BYTE] == networks
    assert len(octree.decode(chunks, 7)) == len(voxels)


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_turns_of_a_scanner_take_the_general_network(profile: octree.Profile) -> None:
    assert choose_networks(profile, 4000, 1000, NO_SENSOR) == SURFACES
    assert choose_networks(profile, 4000, 1000, SPINNING) == GENERAL
    assert choose_networks(profile, 0, 1, NO_SENSOR) == GENERAL


def test_unknown_networks_are_refused() -> None:
    chunks = octree.encode(_plane(1), 7, "best")
    damaged = bytearray(chunks[0])
    damaged[_NETWORKS_BYTE] = len(NETWORKS["best"])
    with pytest.raises(BitstreamError, match="networks 2; profile best has 2 sets"):
        octree.decode([bytes(damaged), *chunks[1:]], 7)
