"""scan.g3c holds what the scan made and what it was made of."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import decode_cloud
from geo3d_compression.codecs.array import read_array
from geo3d_compression.codecs.file import read_file
from geo3d_compression.commands.decompress import decompress
from geo3d_compression.container import Container
from geo3d_compression.scan_product import write

from geo3d.errors import FormatError
from geo3d.export.source import open_scan
from geo3d.io import open_rgbd
from geo3d.scan.options import ProductOptions
from geo3d.scan.result import FrameStatus, ScanResult
from geo3d.types import PointCloud, Trajectory, TriangleMesh

SAMPLE = Path(__file__).parents[2] / "samples" / "box_desk"


def scanned(folder: Path, keep: int = 8) -> ScanResult:
    """A scan of the first pictures of the sample, every other one of them posed."""
    folder.mkdir()
    for path in sorted(SAMPLE.iterdir())[: 3 * keep]:
        shutil.copy(path, folder)
    for name in ("intrinsics.txt", "meta.json"):
        if (SAMPLE / name).is_file():
            shutil.copy(SAMPLE / name, folder)
    dataset = open_rgbd(folder)
    posed = np.arange(0, len(dataset), 2)
    rng = np.random.default_rng(0)
    cloud = PointCloud(rng.uniform(0, 2, (2000, 3)), rng.integers(0, 256, (2000, 3)).astype(np.uint8))
    poses = np.stack([dataset.T_world_camera[i] for i in posed])
    frames = tuple(
        FrameStatus(name, "posed" if i % 2 == 0 else "lost", "" if i % 2 == 0 else "no overlap")
        for i, name in enumerate(dataset.names)
    )
    mesh = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    return ScanResult(
        folder, frames, posed, Trajectory(posed * 0.1, poses), dataset.camera, dataset.depth_scale, cloud, mesh
    )


def files_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def wanted(result: ScanResult) -> dict[str, bytes]:
    """Colour and depth of the posed frames, and all text."""
    return {
        name: data
        for name, data in files_below(result.dataset).items()
        if name.endswith((".txt", ".json")) or name.split(".")[0] in result.names
    }


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_scan_in_one_file(tmp_path: Path, folder_is_there: bool) -> None:
    result = scanned(tmp_path / "in")
    expected = wanted(result)
    if not folder_is_there:
        shutil.rmtree(result.dataset)
    report = write(result, tmp_path, ProductOptions("stored"))
    assert report["bytes"] == (tmp_path / "scan.g3c").stat().st_size
    assert report["raw_bytes"] == sum(p["before"] for p in report["parts"].values())
    with Container(tmp_path / "scan.g3c") as container:
        names = [item.name for item in container.items]
        back = decode_cloud(container, names.index("cloud.ply"))
        assert len(back) == 2000
        poses = read_array(container, names.index("poses.npy"))
        assert np.array_equal(poses, result.trajectory.T_world_camera)
        about = json.loads(read_file(container, names.index("scan.json")))
        assert about["camera"]["fx"] == result.camera.fx
        assert [u["reason"] for u in about["unused"]] == ["no overlap"] * (len(result.frames) // 2)
        stored = {
            names[k].removeprefix("frames/"): read_file(container, k)
            for k in range(len(names))
            if names[k].startswith("frames/")
        }
        assert stored == (expected if folder_is_there else {})


def test_frames_are_coded_and_come_back_byte_for_byte(tmp_path: Path) -> None:
    result = scanned(tmp_path / "in")
    coded = write(result, tmp_path)
    decompress(tmp_path / "scan.g3c", output=tmp_path / "back")
    assert files_below(tmp_path / "back" / "frames") == wanted(result)
    assert coded["parts"]["frames"]["before"] == sum(map(len, wanted(result).values()))
    assert coded["parts"]["frames"]["bytes"] < 0.5 * coded["parts"]["frames"]["before"]
    source = open_scan(tmp_path / "back")
    assert tuple(source.dataset.names) == result.names
    assert np.array_equal(np.stack(source.dataset.T_world_camera), result.trajectory.T_world_camera)  # type: ignore[arg-type]
    assert source.cloud is not None
    assert len(source.cloud) == 2000


def test_no_frames_where_none_are_wanted(tmp_path: Path) -> None:
    write(scanned(tmp_path / "in", 2), tmp_path, ProductOptions("none"))
    with Container(tmp_path / "scan.g3c") as container:
        assert not any("frames" in item.name for item in container.items)
    decompress(tmp_path / "scan.g3c", output=tmp_path / "back")
    with pytest.raises(FormatError, match="--frames"):
        open_scan(tmp_path / "back")


def test_a_picture_that_cannot_be_coded_is_stored(tmp_path: Path) -> None:
    result = scanned(tmp_path / "in", 4)
    color = sorted(result.dataset.glob("*.color.jpg"))
    color[2].write_bytes(color[2].read_bytes()[:2000])
    depth = sorted(result.dataset.glob("*.depth.png"))
    depth[0].write_bytes(b"no picture")
    write(result, tmp_path)
    decompress(tmp_path / "scan.g3c", output=tmp_path / "back")
    assert files_below(tmp_path / "back" / "frames") == wanted(result)
