"""Paths become layers: files, folders, FOLDER@FRAME, scan outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.load import load_scene
from geo3d_viewer.scene import LineLayer, MeshLayer, PointLayer, layer_points
from PIL import Image

from geo3d.errors import FormatError
from geo3d.io import write_mesh, write_points, write_trajectory
from geo3d.types import PointCloud, Trajectory, TriangleMesh

TRIANGLE = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))


def rgbd_folder(folder: Path, frames: int = 3, poses: bool = True) -> Path:
    """A wall 2 m ahead in the 7-Scenes layout; the camera moves 10 cm to the right each frame."""
    folder.mkdir()
    (folder / "intrinsics.txt").write_text("60 0 31.5\n0 60 23.5\n0 0 1\n")
    for i in range(frames):
        stem = folder / f"frame-{i:06d}"
        Image.fromarray(np.full((48, 64), 2000, np.uint16)).save(f"{stem}.depth.png")
        Image.fromarray(np.full((48, 64, 3), [200, 30, 30], np.uint8)).save(f"{stem}.color.png")
        if poses:
            T = np.eye(4)
            T[0, 3] = 0.1 * i
            np.savetxt(f"{stem}.pose.txt", T)
    return folder


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", PointCloud(np.eye(3)))
    write_mesh(tmp_path / "b.ply", TRIANGLE)
    write_trajectory(tmp_path / "poses.txt", Trajectory(np.arange(2.0), np.stack([np.eye(4)] * 2)))
    scene = load_scene([tmp_path / "a.ply", tmp_path / "b.ply", tmp_path / "poses.txt"])
    assert scene.names == ("a", "b", "poses/path", "poses/cameras")
    assert [type(la) for la in scene.layers] == [PointLayer, MeshLayer, LineLayer, LineLayer]
    assert scene.up is not None
    assert np.allclose(scene.up, [0, -1, 0])


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    for folder in ("x", "y", "z"):
        (tmp_path / folder).mkdir()
        write_points(tmp_path / folder / "cloud.ply", PointCloud(np.eye(3)))
    assert load_scene([tmp_path / f / "cloud.ply" for f in "xyz"]).names == ("cloud", "cloud-2", "cloud-3")


def test_nan_points_are_left_out_and_counted(tmp_path: Path) -> None:
    points = np.eye(3)
    points[1, 1] = np.nan
    np.save(tmp_path / "n.npy", points)
    scene = load_scene([tmp_path / "n.npy"])
    assert scene.notes == ("n: 1 points with NaN or infinite coordinates are not shown",)


def test_a_folder_shows_its_frames_in_one_world(tmp_path: Path) -> None:
    scene = load_scene([rgbd_folder(tmp_path / "wall")])
    assert scene.names[0] == "wall/frames/frame-000000"
    assert scene.names[-2:] == ("wall/camera/path", "wall/camera/cameras")
    clouds = [la.cloud for la in scene.layers if isinstance(la, PointLayer)]
    assert len(clouds) == 3
    assert np.allclose(clouds[2].points.mean(axis=0) - clouds[0].points.mean(axis=0), [0.2, 0, 0], atol=1e-6)
    assert (clouds[0].colors == [200, 30, 30]).all()


def test_a_broken_frame_is_named_and_passed_over(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "wall")
    (folder / "frame-000001.depth.png").write_bytes(b"not a picture")
    scene = load_scene([folder])
    assert len([la for la in scene.layers if isinstance(la, PointLayer)]) == 2
    assert len(scene.notes) == 1
    assert "frame-000001" in scene.notes[0]


def test_one_frame_by_name_or_number_with_and_without_pose(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "wall")
    by_name, by_number = load_scene([f"{folder}@frame-000002"]), load_scene([f"{folder}@2"])
    assert by_name.names == by_number.names == ("frame-000002/cloud", "frame-000002/cameras")
    free = load_scene([rgbd_folder(tmp_path / "free", poses=False)])
    assert free.names == ("frame-000000/cloud", "frame-000000/cameras")
    posed, in_camera = (load_scene([f"{folder}@2"], in_camera=c)["frame-000002/cloud"] for c in (False, True))
    assert np.allclose(layer_points(posed) - layer_points(in_camera), [0.2, 0, 0])
    with pytest.raises(FormatError, match="no frame 7"):
        load_scene([f"{folder}@7"])


def test_a_scan_folder_shows_mesh_cameras_and_hides_the_cloud(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_mesh(folder / "mesh.ply", TRIANGLE)
    write_points(folder / "cloud.ply", PointCloud(np.eye(3)))
    write_trajectory(folder / "poses.txt", Trajectory(np.arange(2.0), np.stack([np.eye(4)] * 2)))
    scene = load_scene([folder])
    assert [la.name for la in scene.visible_layers] == ["out/mesh", "out/camera/path", "out/camera/cameras"]
    mesh = scene["out/mesh"]
    assert isinstance(mesh, MeshLayer)
    assert not mesh.two_sided


@pytest.mark.parametrize("path", ["missing.ply", "missing@3", "x.docx"])
def test_what_cannot_be_opened_is_said(tmp_path: Path, path: str) -> None:
    with pytest.raises(FormatError):
        load_scene([tmp_path / path])
    with pytest.raises(FormatError, match="nothing to look at"):
        load_scene([])


def test_several_uncoloured_things_get_a_colour_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_points(tmp_path / f"{name}.ply", PointCloud(np.eye(3)))
    write_points(tmp_path / "c.ply", PointCloud(np.eye(3), np.zeros((3, 3), np.uint8)))

    def colors(*names: str) -> list[str]:
        layers = load_scene([tmp_path / f"{n}.ply" for n in names]).layers
        return [la.color_by for la in layers if isinstance(la, PointLayer)]

    assert len(set(colors("a", "b"))) == 2
    assert colors("a") == ["auto"]
    assert colors("a", "c") == ["auto", "auto"]


def test_a_colmap_model_is_points_and_cameras(tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 64 48 50 51 32 24\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0.5 0 0 1 a.jpg\n\n2 1 0 0 0 -0.5 0 1 1 b.jpg\n\n")
    (tmp_path / "points3D.txt").write_text("1 0.5 1 2 255 0 0 0.1\n2 1.5 0 3 0 255 0 0.2\n")
    scene = load_scene([tmp_path])
    name = tmp_path.name
    points = scene[f"{name}/points"]
    assert isinstance(points, PointLayer)
    assert points.cloud.colors is not None
    assert points.cloud.colors[1].tolist() == [0, 255, 0]
    assert any(n.startswith(f"{name}/cameras") for n in scene.names)
