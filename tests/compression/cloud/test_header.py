"""Cloud headers: what version 2 wrote is still read, and what contradicts itself is refused."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import CloudOptions
from geo3d_compression.cloud.attributes import of_cloud
from geo3d_compression.cloud.header import RETIRED, AttributeHeader, CloudHeader

from geo3d.errors import BitstreamError
from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import chunks_of, pack, rebuild, unpack, wavy_surface

# Of the cloud of `octree/test_golden_file`, exact and with quality 60.
EXACT_2 = (
    "0200800f0605023ff000000000000010010105636f6c6f720001010003000000fe0300000000fd03fe0300000000fd03fe03"
    "000000001206800f800f0101"
)
LOSSY_2 = (
    "0200800f0605023ff0000000000140002801010806329555de296c74033fde0e05636f6c6f72000100930103000000fe0300"
    "000000fd03fe0300000000fd03fe03000000001206801280120101d20305"
)
# One attribute in the exact one: name, role, vector, YCoCg-R.
# Whole files of version 2: sixteen points in a square with colours, at quality 60 and exact.
LOSSY_FILE_2 = (
    "894733430d0a1a0a0100000031000000c65469330105636c6f75640001082f6f02fe48cb68f10301000000000ed578d2e804"
    "00000000120594c4fe00010000003eb231a4420d000201001000020410479e6cc0b605effd5800ffb221ebe495e5d1a09548"
    "ec020010020a023ff0023ff0000000000010010105636f6c6f72000100930103000000fe0300000000fd03fe0300000000fd"
    "03fe0300000000000210100101"
)
EXACT_FILE_2 = (
    "894733430d0a1a0a010000003100000022a31b380105636c6f75640001082f6f02fe48cb68f10301000000000ed578d2e804"
    "000000003070eb11fe00010000003dfa28297a0d000201001000020410479e6cc00e18e8b0ea65a9fd73f2d84c9f348a474d"
    "0917d598bd8bbf4b8ab2bd0b78d93a2cbfb555bf0b4698b5f0cfa9c6d23f80020010020a023ff0023ff00000000000100101"
    "05636f6c6f720001010003000000fe0300000000fd03fe0300000000fd03fe0300000000000210100101"
)
PLACE_OF_TRANSFORM = EXACT_2.index("05636f6c6f720001") + 16
SMALL = wavy_surface(2000, 5)


def test_version_2_is_read() -> None:
    exact, lossy = (CloudHeader.unpack(bytes.fromhex(h)) for h in (EXACT_2, LOSSY_2))
    (color,) = exact.attributes
    assert (color.transform, color.model, color.step) == ("ycocg", "plain", 0)
    assert [(m.low, m.high) for m in color.maps] == [(0, 255), (-255, 255), (-255, 255)]
    (color,) = lossy.attributes
    assert (color.transform, color.model, color.step) == ("none", RETIRED, 147)
    assert exact.tiles[0].points == 1920
    again = CloudHeader.unpack(exact.pack())
    assert vars(again) == vars(exact)


def test_files_of_version_2_but_lossy_colours_are_decoded() -> None:
    points = np.stack(np.meshgrid(range(4), range(4), [0]), -1).reshape(-1, 3)
    cloud = unpack(bytes.fromhex(EXACT_FILE_2))
    assert cloud.colors is not None
    assert np.array_equal(np.unique(cloud.points, axis=0), np.unique(points, axis=0))
    assert np.array_equal(cloud.colors, cloud.points * [60, 50, 1] + [10, 20, 30])
    with pytest.raises(BitstreamError, match="compress it again"):
        unpack(bytes.fromhex(LOSSY_FILE_2))


def test_what_version_2_did_not_have_is_refused() -> None:
    for number in ("02", "03", "04"):
        asking = EXACT_2[:PLACE_OF_TRANSFORM] + number + EXACT_2[PLACE_OF_TRANSFORM + 2 :]
        with pytest.raises(BitstreamError):
            CloudHeader.unpack(bytes.fromhex(asking))
    with pytest.raises(BitstreamError, match="version"):
        CloudHeader.unpack(bytes.fromhex("04" + EXACT_2[2:]))


@pytest.mark.parametrize("change", [{"transform": "jpeg"}, {"transform": "green", "step": 16}, {"transform": "none"}])
def test_attributes_that_contradict_themselves_are_refused(change: dict[str, str]) -> None:
    data, _ = pack(SMALL, CloudOptions(profile="best"))
    header = CloudHeader.unpack(chunks_of(data)[0, 0, 0])
    (color,) = header.attributes
    changed = replace(header, attributes=(replace(color, **change),))
    if change == {"transform": "none"}:
        # Any three narrow channels are colours without a transform.
        assert unpack(rebuild(data, {(0, 0, 0): changed.pack()})).colors is not None
        return
    with pytest.raises(BitstreamError):
        CloudHeader.unpack(changed.pack())


def test_wide_attributes_are_not_narrow() -> None:
    rng = np.random.default_rng(0)
    cloud = PointCloud(
        SMALL.points, SMALL.colors,
        attributes={"t": rng.normal(size=len(SMALL)), "label": rng.integers(0, 5, len(SMALL))},
    )  # fmt: skip
    models = {a.header.name: a.header.model for a in of_cloud(cloud, "best")}
    assert models == {"color": "narrow", "t": "plain", "label": "narrow"}
    assert {a.header.model for a in of_cloud(cloud, "fast")} == {"plain"}
    wide = next(a.header for a in of_cloud(cloud, "best") if a.header.name == "t")
    data, _ = pack(cloud, CloudOptions(profile="best"))
    header = CloudHeader.unpack(chunks_of(data)[0, 0, 0])
    lying = AttributeHeader(**{**vars(wide), "model": "narrow"})
    with pytest.raises(BitstreamError, match="is not"):
        CloudHeader.unpack(replace(header, attributes=(lying,)).pack())


def test_groups_that_a_tile_is_too_shallow_for_are_refused() -> None:
    header = CloudHeader.unpack(bytes.fromhex(EXACT_2))
    (tile,) = header.tiles
    changed = replace(header, tiles=(replace(tile, depth=2, voxels=64, attribute_groups=2),))
    with pytest.raises(BitstreamError, match="groups"):
        CloudHeader.unpack(changed.pack())
