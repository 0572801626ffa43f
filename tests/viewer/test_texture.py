"""Textures come from OBJ and GLB files and land where their coordinates say, in snapshots as well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.state import clipped
from geo3d_viewer.load import load_scene
from geo3d_viewer.raster import render
from geo3d_viewer.scene import MeshLayer, Scene
from geo3d_viewer.texture import Texture, may_be_textured, read_textured, reduced
from PIL import Image

from geo3d.errors import FormatError, ShapeError
from geo3d.types import TriangleMesh

Z = np.array([0, 0, 1.0])
# Upper left red, upper right green, lower left blue, lower right white.
QUADRANTS = np.array([[[230, 20, 20], [20, 230, 20]], [[20, 20, 230], [240, 240, 240]]], np.uint8)
CAMERA = ViewCamera((0, -4, 0), (0, 0, 0), (0, 0, 1))


def quad(folder: Path, suffix: str) -> Path:
    """A square in the xz plane with the picture upright on it, as trimesh writes it."""
    v = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1.0]])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    image = Image.fromarray(QUADRANTS.repeat(32, axis=0).repeat(32, axis=1))
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=image)
    visual = trimesh.visual.TextureVisuals(uv, material=material if suffix == ".glb" else None, image=image)
    mesh = trimesh.Trimesh(v, [[0, 1, 2], [0, 2, 3]], visual=visual, process=False)
    mesh.export(folder / f"quad{suffix}")
    return folder / f"quad{suffix}"


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_each_quarter_of_the_picture_is_in_its_place(tmp_path: Path, suffix: str) -> None:
    path = quad(tmp_path, suffix)
    assert may_be_textured(path)
    scene = load_scene([path])
    (layer,) = scene.layers
    assert isinstance(layer, MeshLayer)
    assert layer.name == "quad"
    seen = render(scene, CAMERA, (80, 80), up=Z).color.astype(int)
    for row, v in enumerate((28, 52)):
        for column, u in enumerate((28, 52)):
            wanted = QUADRANTS[row, column].astype(int)
            color = seen[v, u]
            # Light takes a part of the brightness away, the hue stays.
            assert np.abs(color / color.max() - wanted / wanted.max()).max() < 0.05
            assert color.max() > 0.6 * wanted.max()
    layer = replace(layer, color_by="plain")
    plain = render(Scene((layer,)), CAMERA, (80, 80), up=Z)
    assert np.ptp(plain.color[28, 28].astype(int)) < 15


def test_coordinates_beyond_one_repeat_and_perspective_is_right() -> None:
    # A floor that runs away from the eye, the picture 10 times along it: where it changes follows from the pinhole.
    v = np.array([[-5, 1, -1], [5, 1, -1], [5, 21, -1], [-5, 21, -1.0]])
    uv = np.array([[0, 0], [1, 0], [1, 10], [0, 10.0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    image = np.repeat(np.array([[[250, 250, 250]], [[5, 5, 5]]], np.uint8), 64, axis=0)
    layer = MeshLayer("floor", TriangleMesh(v, faces), texture=Texture(uv[faces], image))
    camera = ViewCamera((0, 0, 0), (0, 1, -0.2), (0, 0, 1), 60)
    size = (60, 400)
    seen = render(Scene((layer,)), camera, size, up=Z)
    T, f = camera.T_world_camera, camera.focal(size[1])
    wrong = checked = 0
    for row in range(0, 400, 3):
        ray = T[:3, :3] @ [0.5 / f, (row - 199.5) / f, 1.0]
        y = -ray[1] / ray[2] if ray[2] < 0 else np.inf
        t = (y - 1) / 2
        # Away from the edges, and where a stripe has pixels enough.
        if 1.2 < y < 12 and abs((2 * t) % 1 - 0.5) < 0.3:
            checked += 1
            # What is seen at a grazing angle is darkened.
            wrong += (seen.color[row, 30].mean() < 100) != (t % 1 < 0.5)
    assert checked > 40
    assert wrong == 0


def test_far_pictures_are_averaged_not_picked() -> None:
    noise = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    assert np.abs(reduced(noise, 8).astype(int) - 128).max() <= 1
    assert reduced(noise, 8).shape == (64, 64, 3)
    assert reduced(noise, 1.9) is noise


def test_clipping_keeps_faces_and_coordinates_together(tmp_path: Path) -> None:
    (layer,) = load_scene([quad(tmp_path, ".glb")]).layers
    assert isinstance(layer, MeshLayer)
    assert layer.texture is not None
    part = layer.of_faces(np.array([False, True]))
    assert part.texture is not None
    assert np.array_equal(part.texture.uv, layer.texture.uv[1:])
    gone = clipped(layer, (np.full(3, -0.5), np.full(3, 0.5)))
    assert isinstance(gone, MeshLayer)
    assert len(gone.mesh.faces) == 0


def test_several_meshes_are_several_layers_in_the_world(tmp_path: Path) -> None:
    part = trimesh.load_mesh(quad(tmp_path, ".glb"))
    scene = trimesh.Scene()
    for k in range(2):
        T = np.eye(4)
        T[0, 3] = 10 * k
        scene.add_geometry(part, node_name=f"part{k}", geom_name=f"g{k}", transform=T)
    scene.export(tmp_path / "both.glb")
    layers = load_scene([tmp_path / "both.glb"]).layers
    assert [la.name for la in layers] == ["both/part0", "both/part1"]
    assert [round(float(la.mesh.vertices[:, 0].mean())) for la in layers] == [0, 10]  # type: ignore[union-attr]


def test_bad_textures_are_refused(tmp_path: Path) -> None:
    path = quad(tmp_path, ".glb")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match=r"quad\.glb"):
        load_scene([path])
    (tmp_path / "bad.glb").write_bytes(b'glTF "images"')
    with pytest.raises(FormatError, match="cannot be read"):
        read_textured(tmp_path / "bad.glb")
    with pytest.raises(ShapeError, match="finite"):
        Texture(np.full((1, 3, 2), np.nan, np.float32), QUADRANTS)
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(ShapeError, match="2 faces"):
        MeshLayer("a", mesh, texture=Texture(np.zeros((2, 3, 2), np.float32), QUADRANTS))
    # Without a picture a mesh is what it was; a material file that is missing is no reason to fail.
    (tmp_path / "m.obj").write_text("mtllib gone.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    (layer,) = load_scene([tmp_path / "m.obj"]).layers
    assert isinstance(layer, MeshLayer)
    assert layer.texture is None
