"""`.g3c` files are looked at directly, coarse levels first."""

from __future__ import annotations

from pathlib import Path

import geo3d_compression
import numpy as np
import pytest
from geo3d_compression.codecs.array import add_array
from geo3d_compression.codecs.file import add_file
from geo3d_compression.container import ContainerWriter, Item
from geo3d_viewer.container_scene import container_scene
from geo3d_viewer.load import load_scene
from geo3d_viewer.scene import PointLayer
from PIL import Image

from geo3d.errors import FormatError
from geo3d.types import PointCloud

CAMERA = b'"camera": {"width": 64, "height": 48, "fx": 60, "fy": 60, "cx": 31.5, "cy": 23.5, "distortion": []}'


def shell(n: int) -> PointCloud:
    p = np.random.default_rng(0).normal(size=(n, 3))
    p = np.unique(np.rint(40 * p / np.linalg.norm(p, axis=1, keepdims=True)).astype(np.int32), axis=0)
    return PointCloud(p, (p + 128).astype(np.uint8))


def test_the_cloud_is_that_of_decompress(tmp_path: Path) -> None:
    cloud = shell(3000)
    data = geo3d_compression.compress(cloud, grid=1)
    (tmp_path / "ball.g3c").write_bytes(data)
    layer = load_scene([tmp_path / "ball.g3c"])["ball/cloud"]
    assert isinstance(layer, PointLayer)
    assert len(layer.cloud) == len(cloud)
    assert {tuple(p) for p in layer.cloud.points} == {tuple(p) for p in cloud.points}


def test_a_preview_has_fewer_points_of_the_same_thing(tmp_path: Path) -> None:
    cloud = shell(60_000)
    (tmp_path / "ball.g3c").write_bytes(geo3d_compression.compress(cloud, grid=1))
    coarse = container_scene(tmp_path / "ball.g3c", preview=2000)
    (layer,) = coarse.layers
    assert isinstance(layer, PointLayer)
    assert 300 < len(layer.cloud) < 3000
    assert coarse.names == container_scene(tmp_path / "ball.g3c").names
    assert np.abs(np.linalg.norm(layer.cloud.points, axis=1) - 40).max() < 10


def scan_file(path: Path, about: bytes) -> Path:
    with ContainerWriter() as writer:
        add_array(writer, "poses.npy", np.stack([np.eye(4)] * 3))
        add_array(writer, "timestamps.npy", np.arange(3.0))
        add_file(writer, "scan.json", about)
        add_file(writer, "frames/frame-0.depth.png", b"x")
        # The frames of a scan are not decoded to look at it: this item could not be.
        writer.add_item(Item("frames", "rgbd", 9))
        add_file(writer, "readme.txt", b"y")
        path.write_bytes(writer.to_bytes())
    return path


def test_a_scan_shows_its_cameras_upright(tmp_path: Path) -> None:
    scene = container_scene(scan_file(tmp_path / "scan.g3c", b'{"up": [0, 0, 1], ' + CAMERA + b"}"))
    assert scene.names == ("scan/camera/path", "scan/camera/cameras")
    assert scene.up is not None
    assert scene.up.tolist() == [0, 0, 1]
    assert scene.notes == ("scan.g3c: 1 items of kind 'file' are not shown",)


@pytest.mark.parametrize("about", [b"{", b"[]", b'{"up": [0, 0, 0], ' + CAMERA + b"}", b'{"up": [0, 1, 0]}'])
def test_a_broken_scan_is_said(tmp_path: Path, about: bytes) -> None:
    with pytest.raises(FormatError, match=r"scan\.json cannot be used"):
        container_scene(scan_file(tmp_path / "scan.g3c", about))


def test_files_with_nothing_to_draw_and_no_containers(tmp_path: Path) -> None:
    with ContainerWriter() as writer:
        add_file(writer, "a.txt", b"x")
        (tmp_path / "a.g3c").write_bytes(writer.to_bytes())
    with pytest.raises(FormatError, match="nothing that can be drawn"):
        container_scene(tmp_path / "a.g3c")
    (tmp_path / "b.g3c").write_bytes(b"no container")
    with pytest.raises(FormatError):
        load_scene([tmp_path / "b.g3c"])


def test_a_packed_rgbd_folder_shows_its_frames(tmp_path: Path) -> None:
    from geo3d_compression.codecs import CODECS, Request

    folder = tmp_path / "wall"
    folder.mkdir()
    (folder / "intrinsics.txt").write_text("60 0 31.5\n0 60 23.5\n0 0 1\n")
    for i in range(2):
        Image.fromarray(np.full((48, 64), 2000, np.uint16)).save(folder / f"frame-{i:06d}.depth.png")
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(folder / f"frame-{i:06d}.color.png")
        np.savetxt(folder / f"frame-{i:06d}.pose.txt", np.eye(4))
    with ContainerWriter() as writer:
        CODECS["rgbd"].compress(folder, writer, "wall", Request(threads=1))
        (tmp_path / "wall.g3c").write_bytes(writer.to_bytes())
    scene = load_scene([tmp_path / "wall.g3c"])
    assert scene.names[:2] == ("wall/frames/frame-000000", "wall/frames/frame-000001")
    assert scene.names == load_scene([folder]).names
