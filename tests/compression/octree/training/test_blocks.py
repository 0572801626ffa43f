"""Training blocks: nothing lost in storage; batches describe the same octree as the codec's levels."""

from pathlib import Path

import numpy as np
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.training import batches, blocks


def test_storage_round_trip(tmp_path: Path) -> None:
    voxels = np.unique(np.random.default_rng(0).integers(0, 64, (500, 3)), axis=0)
    blocks.save(tmp_path / "b.safetensors", [(blocks.to_bytes(voxels, 6), 6, 1)] * 2)
    loaded = blocks.load(tmp_path / "b.safetensors")
    second = blocks.from_bytes(loaded.data[loaded.starts[1] : loaded.starts[2]], 6)
    assert set(map(tuple, second.tolist())) == set(map(tuple, voxels.tolist()))


def test_cut_is_a_window() -> None:
    rng = np.random.default_rng(0)
    voxels = np.unique(rng.integers(0, 300, (5000, 3)), axis=0)
    block = blocks.cut(voxels, 6, rng)
    assert len(block) > 0
    assert block.min() >= 0
    assert block.max() < 64


def test_batch_levels_match_the_codec() -> None:
    rng = np.random.default_rng(1)
    clouds = [np.unique(rng.integers(0, 16, (200, 3)), axis=0) for _ in range(2)]
    batch = batches.assemble(clouds, 4)
    level, offset = root_level(), [0, 0]
    levels = [root_level(), root_level()]
    for index in range(4):
        start = 0
        for k, cloud in enumerate(clouds):
            occupancy = occupancy_of(np.sort(morton_encode(cloud)), 4)
            if index:
                levels[k] = child_level(levels[k], occupancy[index - 1])
            level, n = levels[k], levels[k].size
            part = slice(start, start + n)
            np.testing.assert_array_equal(batch[index].occupancy[part], occupancy[index][:-1])
            np.testing.assert_array_equal(batch[index].octant[part], level.octant[:-1])
            table = batch[index].table[part]
            absent = table == len(batch[index].parent)
            np.testing.assert_array_equal(np.where(absent, n, table - start), level.neighbours[:-1])
            if index:
                np.testing.assert_array_equal(batch[index].parent[part] - offset[k], level.parent[:-1])
            offset[k] = start
            start += n


def test_symmetries_keep_the_number_of_voxels() -> None:
    rng = np.random.default_rng(2)
    samples = [(blocks.to_bytes(np.unique(rng.integers(0, 16, (100, 3)), axis=0), 4), 4, 0)]
    data = blocks.Blocks(
        samples[0][0], np.array([0, len(samples[0][0])]), np.array([4], np.uint8), np.array([0], np.uint8)
    )
    stream = batches.batches(data, 50, (1.0, 0.0, 0.0, 0.0), rng)
    leaves = {int(sum(bin(b).count("1") for b in next(stream)[3].occupancy.tolist())) for _ in range(4)}
    assert len({v % min(leaves) for v in leaves}) == 1
