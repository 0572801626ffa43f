"""Golden `.g3c` files of a coloured cloud: container, octree and colours decode for ever and come out the same bytes.

After a deliberate change of any of the formats, write them anew: `python tests/compression/octree/test_golden_file.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression import compress, decompress
from geo3d_compression.octree import Profile

from geo3d.types import PointCloud

FOLDER = Path(__file__).parent / "golden"
PROFILES: tuple[Profile, ...] = ("fast", "best")


def cloud() -> PointCloud:
    """A coloured bumpy sheet, from integers only."""
    x, y = np.mgrid[:48, :40].reshape(2, -1)
    z = 9 + (x * x + 2 * y * y) // 300 + (x * 5 + y * 11) % 7 // 6
    colours = np.stack([x * 5, 40 + y * 3 + x % 3, (x * y) % 64 + 90], 1)
    return PointCloud(np.stack([x, y, z], 1).astype(np.int32), colours.astype(np.uint8))


def _table(points: PointCloud) -> list[list[int]]:
    assert points.colors is not None
    return sorted(np.concatenate([points.points, points.colors], 1).astype(int).tolist())


@pytest.mark.parametrize("profile", PROFILES)
def test_file_decodes_and_is_written_again(profile: Profile) -> None:
    data = (FOLDER / f"{profile}.g3c").read_bytes()
    assert _table(decompress(data)) == _table(cloud())
    assert compress(cloud(), lossless=True, profile=profile) == data


@pytest.mark.parametrize("profile", PROFILES)
def test_coarser_level_of_the_file(profile: Profile) -> None:
    coarse = decompress((FOLDER / f"{profile}.g3c").read_bytes(), level=4)
    assert 0 < len(coarse) < len(cloud()) // 8


if __name__ == "__main__":
    for name in PROFILES:
        (FOLDER / f"{name}.g3c").write_bytes(compress(cloud(), lossless=True, profile=name))
