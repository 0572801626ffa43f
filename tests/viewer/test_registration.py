"""Before and after a registration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.registration import (
    correspondences,
    linked_registration,
    read_transform,
    registration_picture,
    registration_scenes,
)
from geo3d_viewer.scene import as_scene, layer_points
from scipy.spatial.transform import Rotation

from geo3d.errors import FormatError
from geo3d.types import PointCloud, TriangleMesh


def motion() -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("xyz", [0.2, -0.4, 1.0]).as_matrix()
    T[:3, 3] = [3, -2, 1]
    return T


@pytest.mark.parametrize("wrap", [lambda T: {"T_target_source": T, "converged": True}, lambda T: T])
def test_the_json_of_register_is_read(tmp_path: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "T.json").write_text(json.dumps(wrap(motion().tolist())))
    assert np.allclose(read_transform(tmp_path / "T.json"), motion())


SCALED = "[[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]"


@pytest.mark.parametrize("text", ["{", "{}", "[1, 2]", '{"T_target_source": null}', SCALED])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "T.json").write_text(text)
    with pytest.raises(FormatError, match=r"T\.json"):
        read_transform(tmp_path / "T.json")
    with pytest.raises(FormatError):
        read_transform(tmp_path / "missing.json")


def test_after_registration_source_lies_on_target() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, (500, 3))
    moved = p @ motion()[:3, :3].T + motion()[:3, 3]
    before, after = registration_scenes(as_scene(PointCloud(p)), as_scene(PointCloud(moved)), motion())
    assert before.names == after.names == ("source/cloud", "target/cloud", "correspondences")
    assert np.allclose(layer_points(after.layers[0]), layer_points(after.layers[1]))
    assert np.allclose(layer_points(before.layers[0]), p)
    image, _ = registration_picture(before, after, (200, 150))
    colors = image.astype(int)
    blue = (colors[..., 2] - colors[..., 0]) > 80
    orange = (colors[..., 0] - colors[..., 2]) > 80
    assert blue.sum() > 100
    assert orange.sum() > 100


def test_meshes_move_too() -> None:
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))
    _, after = registration_scenes(as_scene(mesh), as_scene(mesh), motion())
    assert np.allclose(layer_points(after.layers[0]), np.eye(3) @ motion()[:3, :3].T + motion()[:3, 3])


def test_correspondences_join_what_meets() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, (3000, 3)) * [1, 1, 0]
    moved = p @ motion()[:3, :3].T + motion()[:3, 3]
    shuffled = rng.permutation(len(p))
    # A third of the source has no partner.
    source, target = np.concatenate([p, p[:1000] + [0, 0, 5]]), moved[shuffled]
    a, b = correspondences(source, target, motion())
    assert 20 < len(a) <= 60
    assert np.allclose(a @ motion()[:3, :3].T + motion()[:3, 3], b)
    assert np.abs(a[:, 2]).max() == 0
    # Spread over the whole square, not a corner of it.
    assert (np.ptp(a[:, :2], axis=0) > 1.5).all()
    assert len(correspondences(source + 50, target, motion())[0]) == 0
    assert len(correspondences(np.zeros((0, 3)), target, motion())[0]) == 0


def test_before_and_after_become_linked_views() -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    cloud = as_scene(PointCloud(p))
    scene, views = linked_registration(*registration_scenes(cloud, cloud, motion()))
    assert [title for title, _ in views] == ["before", "after"]
    assert scene.names[:2] == ("before/source/cloud", "before/target/cloud")
    assert len(scene.layers) == 6
