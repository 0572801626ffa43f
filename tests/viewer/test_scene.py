"""Scenes are plain values: named layers, shown and hidden by path."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer import LineLayer, MeshLayer, PointLayer, Scene, as_scene

from geo3d.errors import Geo3DError, ShapeError
from geo3d.types import PinholeCamera, PointCloud, RGBDFrame, Trajectory, TriangleMesh

POINTS = np.arange(12.0).reshape(4, 3)


def test_layers_are_found_by_name_and_unknown_names_list_the_known() -> None:
    scene = Scene((PointLayer("scan/cloud", PointCloud(POINTS)),))
    assert scene["scan/cloud"].name == "scan/cloud"
    with pytest.raises(Geo3DError, match=r"no layer 'cloud' \(layers: scan/cloud\)"):
        scene["cloud"]
    with pytest.raises(Geo3DError, match="scan/cloud"):
        Scene((*scene.layers, *scene.layers))


def test_a_path_hides_everything_under_it_and_nothing_that_only_starts_like_it() -> None:
    cloud = PointCloud(POINTS)
    scene = Scene((PointLayer("scan", cloud), PointLayer("scan/a", cloud), PointLayer("scanner", cloud)))
    hidden = scene.with_visible("scan", False)
    assert [la.name for la in hidden.visible_layers] == ["scanner"]
    assert len(scene.visible_layers) == 3
    with pytest.raises(Geo3DError, match="no layer 'sc'"):
        scene.with_visible("sc", False)


def test_with_layers_replaces_by_name_in_place() -> None:
    scene = Scene((PointLayer("a", PointCloud(POINTS)), PointLayer("b", PointCloud(POINTS))))
    scene = scene.with_layers([PointLayer("a", PointCloud(POINTS[:1])), PointLayer("c", PointCloud(POINTS))])
    assert scene.names == ("a", "b", "c")
    assert isinstance(scene["a"], PointLayer)
    assert len(scene["a"].cloud) == 1


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (POINTS, PointLayer),
        (POINTS.astype(np.int32), PointLayer),
        (POINTS.tolist(), PointLayer),
        (PointCloud(POINTS), PointLayer),
        (TriangleMesh(POINTS, np.array([[0, 1, 2]])), MeshLayer),
        (Trajectory(np.arange(2.0), np.stack([np.eye(4)] * 2)), LineLayer),
    ],
)
def test_as_scene_takes_every_kind(thing: object, kind: type) -> None:
    assert isinstance(as_scene(thing).layers[0], kind)


def test_as_scene_takes_the_libraries_objects_and_lists() -> None:
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), np.full((3, 3), 9, np.uint8))
    for thing in (mesh.to_trimesh(), mesh.to_open3d()):
        layer = as_scene(thing).layers[0]
        assert isinstance(layer, MeshLayer)
        assert np.array_equal(layer.mesh.vertex_colors, mesh.vertex_colors)
    layer = as_scene(PointCloud(POINTS).to_open3d()).layers[0]
    assert isinstance(layer, PointLayer)
    assert np.array_equal(layer.cloud.points, POINTS)
    assert as_scene([PointCloud(POINTS), mesh]).names == ("cloud-0", "cloud-1")


def test_a_frame_shows_its_points_in_the_world_and_its_camera() -> None:
    T = np.eye(4)
    T[:3, 3] = [1, 2, 3]
    camera = PinholeCamera(4, 3, 4.0, 4.0, 1.5, 1.0)
    frame = RGBDFrame(np.full((3, 4), 2000, np.uint16), camera, T_world_camera=T, name="frame-7")
    scene = as_scene(frame)
    assert scene.names == ("frame-7/cloud", "frame-7/cameras")
    layer = scene["frame-7/cloud"]
    assert isinstance(layer, PointLayer)
    assert len(layer.cloud) == 12
    assert np.allclose(layer.cloud.points[:, 2], 5.0)
    assert np.allclose(scene.up, [0, -1, 0])


def test_lines_check_their_shapes() -> None:
    with pytest.raises(ShapeError, match=r"segments must be \[M, 2, 3\]"):
        LineLayer("a", np.zeros((2, 3)), np.zeros((2, 3), np.uint8))
    with pytest.raises(ShapeError, match="uint8"):
        LineLayer("a", np.zeros((2, 2, 3)), np.zeros((2, 3)))
    with pytest.raises(ShapeError):
        as_scene(np.zeros((3, 2)))
