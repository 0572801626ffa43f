"""scan.g3c holds what the scan made and what it was made of."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import decode_cloud
from geo3d_compression.codecs.array import read_array
from geo3d_compression.codecs.file import read_file
from geo3d_compression.container import Container
from geo3d_compression.scan_product import write

from geo3d.io import open_rgbd
from geo3d.scan.result import FrameStatus, ScanResult
from geo3d.types import PointCloud, Trajectory, TriangleMesh

SAMPLE = Path(__file__).parents[2] / "samples" / "box_desk"


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_scan_in_one_file(tmp_path: Path, folder_is_there: bool) -> None:
    folder = tmp_path / "in"
    shutil.copytree(SAMPLE, folder)
    dataset = open_rgbd(folder)
    posed = np.arange(0, len(dataset), 2)
    rng = np.random.default_rng(0)
    cloud = PointCloud(rng.uniform(0, 2, (2000, 3)), rng.integers(0, 256, (2000, 3)).astype(np.uint8))
    poses = np.tile(np.eye(4), (len(posed), 1, 1))
    poses[:, :3, 3] = rng.normal(size=(len(posed), 3))
    frames = tuple(
        FrameStatus(name, "posed" if i % 2 == 0 else "lost", "" if i % 2 == 0 else "no overlap")
        for i, name in enumerate(dataset.names)
    )
    mesh = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    result = ScanResult(
        folder, frames, posed, Trajectory(posed * 0.1, poses), dataset.camera, dataset.depth_scale, cloud, mesh
    )
    if not folder_is_there:
        shutil.rmtree(folder)
    report = write(result, tmp_path)
    assert report["bytes"] == (tmp_path / "scan.g3c").stat().st_size
    assert report["raw_bytes"] == sum(p["before"] for p in report["parts"].values())
    with Container(tmp_path / "scan.g3c") as container:
        names = [item.name for item in container.items]
        back = decode_cloud(container, names.index("cloud.ply"))
        assert len(back) == 2000
        assert np.array_equal(read_array(container, names.index("poses.npy")), poses)
        about = json.loads(read_file(container, names.index("scan.json")))
        assert about["camera"]["fx"] == dataset.camera.fx
        assert [u["reason"] for u in about["unused"]] == ["no overlap"] * (len(dataset) // 2)
        stored = [k for k, name in enumerate(names) if name.startswith("frames/")]
        assert len(stored) == (2 * len(posed) if folder_is_there else 0)
        for k in stored:
            assert read_file(container, k) == (folder / names[k].removeprefix("frames/")).read_bytes()
