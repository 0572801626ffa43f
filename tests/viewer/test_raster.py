"""The rasteriser against closed forms: where things land, how far they are, what hides what."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer import LineLayer, MeshLayer, PointLayer, Scene, ViewCamera
from geo3d_viewer.raster import render
from geo3d_viewer.raster.clip import clip_segments, clip_triangles

from geo3d.types import PointCloud, TriangleMesh

Z = np.array([0, 0, 1.0])
SIZE = (96, 72)
CAMERA = ViewCamera((0, -4, 0), (0, 0, 0))
RED, BLUE = np.array([[255, 0, 0]], np.uint8), np.array([[0, 0, 255]], np.uint8)


def dot(name: str, where: list[float], color: np.ndarray, size: float = 0.3) -> PointLayer:
    return PointLayer(name, PointCloud(np.array([where]), color), point_size=size)


def test_a_point_lands_where_the_pinhole_says() -> None:
    seen = render(Scene((dot("a", [0.5, 0, 0.25], RED),)), CAMERA, SIZE, up=Z)
    v, u = np.argwhere(np.isfinite(seen.depth)).mean(axis=0)
    f = CAMERA.focal(SIZE[1])
    assert u == pytest.approx(47.5 + f * 0.5 / 4, abs=0.3)
    assert v == pytest.approx(35.5 - f * 0.25 / 4, abs=0.3)
    assert np.allclose(seen.depth[np.isfinite(seen.depth)], 4.0)
    area = np.isfinite(render(Scene((dot("a", [0, 0, 0], RED, 1.0),)), CAMERA, SIZE, up=Z).depth).sum()
    assert area == pytest.approx(np.pi / 4 * (f / 4) ** 2, rel=0.12)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_one_hides_the_other_whatever_the_order(order: tuple[int, int]) -> None:
    layers = (dot("near", [0, -1, 0], RED), dot("far", [0, 1, 0], BLUE, 0.1))
    seen = render(Scene(tuple(layers[i] for i in order)), CAMERA, SIZE, up=Z)
    assert seen.color[36, 48].tolist() == [255, 0, 0]
    assert (seen.color[np.isfinite(seen.depth)][:, 2] < 255).any()


def square(y: float, half: float, color: int = 200) -> TriangleMesh:
    corners = np.array([[-half, y, -half], [half, y, -half], [half, y, half], [-half, y, half]])
    return TriangleMesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), np.full((4, 3), color, np.uint8))


def test_a_square_covers_its_area_without_seams() -> None:
    seen = render(Scene((MeshLayer("m", square(0, 1)),)), CAMERA, SIZE, up=Z)
    side = 2 * CAMERA.focal(SIZE[1]) / 4
    covered = np.isfinite(seen.depth)
    assert covered.sum() == pytest.approx(side**2, rel=0.06)
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    assert covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert np.allclose(seen.depth[covered], 4.0, atol=1e-4)


def test_depth_of_a_slanted_plane_is_that_of_the_ray() -> None:
    corners = np.array([[-3, -2, -3], [3, 2, -3], [3, 2, 3], [-3, -2, 3.0]])
    mesh = TriangleMesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    seen = render(Scene((MeshLayer("m", mesh),)), CAMERA, SIZE, up=Z, supersample=1)
    u = np.arange(SIZE[0]) - (SIZE[0] - 1) / 2
    # The plane is y = 2/3 x; along a ray x = s y', y' = depth - 4.
    slope = u / CAMERA.focal(SIZE[1])
    expected = 4 / (1 - 2 / 3 * slope)
    row = seen.depth[36]
    assert np.isfinite(row).sum() > 30
    assert np.allclose(row[np.isfinite(row)], expected[np.isfinite(row)], rtol=1e-4)


def test_one_sided_meshes_are_seen_from_the_front_only() -> None:
    # Counter-clockwise seen from -y, where the camera stands.
    front = square(0, 1)
    back = TriangleMesh(front.vertices, front.faces[:, ::-1])
    assert render(Scene((MeshLayer("m", front, two_sided=False),)), CAMERA, SIZE, up=Z).coverage > 0.1
    assert render(Scene((MeshLayer("m", back, two_sided=False),)), CAMERA, SIZE, up=Z).coverage == 0
    assert render(Scene((MeshLayer("m", back),)), CAMERA, SIZE, up=Z).coverage > 0.1


def test_a_floor_that_reaches_behind_the_eye_is_drawn_up_to_the_horizon() -> None:
    floor = TriangleMesh(
        np.array([[-50, -50, -1], [50, -50, -1], [50, 50, -1], [-50, 50, -1.0]]), np.array([[0, 1, 2], [0, 2, 3]])
    )
    seen = render(Scene((MeshLayer("floor", floor),)), CAMERA, SIZE, up=Z)
    assert np.isfinite(seen.depth[40:, :]).all()
    assert not np.isfinite(seen.depth[:35, :]).any()


def test_clipping_keeps_area_and_positive_depth() -> None:
    rng = np.random.default_rng(0)
    triangles = rng.normal(size=(200, 3, 3)).astype(np.float32)
    kept, rgb = clip_triangles(triangles, triangles * 2, 0.1)
    assert (kept[:, :, 2] >= 0.1).all()
    assert np.allclose(rgb[:, :, :2], kept[:, :, :2] * 2, atol=1e-4)

    def area(t: np.ndarray) -> float:
        return float(np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1).sum() / 2)

    behind, _ = clip_triangles(triangles * [1, 1, -1], triangles, -0.1)
    assert area(kept) + area(behind) == pytest.approx(area(triangles), rel=1e-4)


def test_segments_are_cut_at_the_near_plane() -> None:
    segments = np.array([[[0, 0, -1], [0, 0, 3]], [[1, 0, 2], [1, 1, -2]], [[0, 0, -1], [0, 0, -2]]], np.float32)
    cut, kept = clip_segments(segments, 1.0)
    assert kept.tolist() == [0, 1]
    assert np.allclose(cut[0], [[0, 0, 1], [0, 0, 3]])
    assert np.allclose(cut[1], [[1, 0, 2], [1, 0.25, 1]])


def test_a_line_is_drawn_from_end_to_end() -> None:
    line = LineLayer("l", np.array([[[-1, 0, 0], [1, 0, 0.5]]]), RED)
    covered = np.isfinite(render(Scene((line,)), CAMERA, SIZE, up=Z).depth)
    f = CAMERA.focal(SIZE[1])
    columns = np.flatnonzero(covered.any(axis=0))
    assert columns[0] == pytest.approx(47.5 - f / 4, abs=1.5)
    assert columns[-1] == pytest.approx(47.5 + f / 4, abs=1.5)
    assert covered.any(axis=0)[columns[0] : columns[-1]].all()


def test_utm_sized_coordinates_give_the_same_picture() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(-1, 1, (500, 3)).round(3)
    colors = rng.integers(0, 256, (500, 3)).astype(np.uint8)
    far = np.array([500_000.0, 4_500_000.0, 100.0])
    here = render(Scene((PointLayer("a", PointCloud(p, colors), point_size=0.05),)), CAMERA, SIZE, up=Z)
    camera = ViewCamera(tuple(far + CAMERA.position), tuple(far))
    there = render(Scene((PointLayer("a", PointCloud(p + far, colors), point_size=0.05),)), camera, SIZE, up=Z)
    assert (here.color != there.color).any(axis=2).mean() < 0.01


def test_nan_points_empty_layers_and_hidden_layers_draw_nothing() -> None:
    layers = (
        PointLayer("nan", PointCloud(np.full((5, 3), np.nan), np.zeros((5, 3), np.uint8))),
        PointLayer("empty", PointCloud(np.zeros((0, 3)))),
        MeshLayer("no faces", TriangleMesh(np.zeros((3, 3)), np.zeros((0, 3), np.int32))),
        LineLayer("no lines", np.zeros((0, 2, 3)), np.zeros((0, 3), np.uint8)),
    )
    assert render(Scene(layers), CAMERA, SIZE, up=Z).coverage == 0
    hidden = Scene((dot("a", [0, 0, 0], RED),)).with_visible("a", False)
    assert render(hidden, CAMERA, SIZE, up=Z).coverage == 0


def test_legends_say_what_colours_mean() -> None:
    cloud = PointCloud(
        np.random.default_rng(0).uniform(0, 1, (300, 3)), attributes={"intensity": np.linspace(0, 9, 300)}
    )
    seen = render(Scene((PointLayer("a", cloud, color_by="intensity"),)), CAMERA, SIZE, up=Z)
    legend = seen.legends["a"]
    assert legend.label == "intensity"
    assert 0 <= legend.low < 0.2
    assert 8.8 < legend.high <= 9
