"""Volumes: surface where the closed form has it, slices the right way up."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.scene import MeshLayer
from geo3d_viewer.volumes import otsu, volume_picture, volume_scene, voxels_3d

from geo3d.errors import ShapeError
from geo3d.io.volumes import Volume


def ball(affine: np.ndarray | None = None, shape: tuple[int, int, int] = (24, 40, 32)) -> Volume:
    """A ball of radius 10 mm about (16, 20, 24) mm, voxels 1 x 1 x 2 mm, 1000 inside and 20 outside."""
    z, y, x = np.mgrid[0 : shape[0], 0 : shape[1], 0 : shape[2]].astype(np.float64)
    distance = np.sqrt((x - 16) ** 2 + (y - 20) ** 2 + (2 * z - 24) ** 2)
    voxels = np.clip(510 - 100 * (distance - 10), 20, 1000).astype(np.int16)
    return Volume(voxels, np.diag([1, 1, 2, 1.0]) if affine is None else affine)


@pytest.mark.parametrize("flip", [1, -1])
def test_a_ball_has_its_radius_in_metres_and_looks_outward(flip: int) -> None:
    affine = np.diag([flip, 1, 2, 1.0])
    scene = volume_scene(ball(affine), "ball", level=510)
    (layer,) = scene.layers
    assert isinstance(layer, MeshLayer)
    p = layer.mesh.vertices - np.array([16 * flip, 20, 24]) / 1000
    assert np.linalg.norm(p, axis=1) == pytest.approx(0.010, rel=0.03)
    a, b, c = (layer.mesh.vertices[layer.mesh.faces[:, k]] for k in range(3))
    volume = float((a * np.cross(b, c)).sum() / 6)
    assert volume == pytest.approx(4 / 3 * np.pi * 0.01**3, rel=0.03)
    assert scene.up is not None
    assert scene.up.tolist() == [0, 0, 1]


def test_large_volumes_are_thinned_in_place() -> None:
    big = Volume(np.kron(ball().voxels, np.ones((1, 10, 10), np.int16)), np.diag([0.1, 0.1, 2, 1.0]))
    (layer,) = volume_scene(big, "big").layers
    assert isinstance(layer, MeshLayer)
    assert len(layer.mesh.faces) < 60_000
    assert layer.mesh.vertices.mean(axis=0) == pytest.approx(np.array([16, 20, 24]) / 1000, abs=0.8e-3)


def test_otsu_splits_two_groups() -> None:
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(10, 2, 5000), rng.normal(100, 5, 1000)].astype(np.float32)
    assert 30 < otsu(values) < 80
    assert otsu(np.full(10, 7, np.float32)) == 7


def test_slices_show_what_is_bright_where_it_is() -> None:
    voxels = np.zeros((10, 20, 30), np.uint8)
    voxels[8, 3, :] = 255  # high z, low y
    image = volume_picture(Volume(voxels), "v", (300, 200))
    # Panel 3 is the slice across x: z upwards, y to the right.
    panel = image[image.shape[0] // 2 + 20 :, :300].astype(int).sum(axis=2)
    row, column = np.unravel_index(panel[20:].argmax(), panel[20:].shape)
    assert column < 120
    assert row < 100


def test_flat_and_odd_volumes() -> None:
    flat = Volume(np.zeros((4, 8, 8), np.uint8))
    assert volume_picture(flat, "flat", (100, 80)).shape[2] == 3
    with pytest.raises(ShapeError, match="no surface"):
        volume_scene(flat, "flat", level=5)
    assert voxels_3d(Volume(np.zeros((2, 3, 4, 5)))).shape == (3, 4, 5)
    with pytest.raises(ShapeError, match="three dimensions"):
        voxels_3d(Volume(np.zeros((4, 5))))
