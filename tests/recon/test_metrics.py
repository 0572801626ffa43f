import numpy as np
import pytest
import trimesh
from geo3d_recon.bench.metrics import sample_surface, score_mesh
from geo3d_recon.intersections import intersecting_edges

from geo3d.types import TriangleMesh


def box(size):
    t = trimesh.creation.box([size] * 3)
    return TriangleMesh(t.vertices, t.faces)


def test_a_mesh_is_perfect_against_itself():
    s = score_mesh(box(1.0), box(1.0), 2000)
    assert s.chamfer_x100 < 1e-4
    assert s.f_score == pytest.approx(100)
    assert s.normal_consistency > 0.98  # samples on an edge may find the other face
    assert s.watertight
    assert not s.self_intersections
    assert s.components == 1


def test_an_offset_box_is_off_by_the_offset():
    """A cube 2 % larger all round: 0.01 away on faces, more at its edges and corners."""
    s = score_mesh(box(1.04), box(1.0), 4000)
    assert 2.0 < s.chamfer_x100 < 2.2
    assert s.f_score == 0


def test_samples_are_uniform_on_the_surface():
    p, n = sample_surface(box(2.0), 6000, 0)
    np.testing.assert_allclose(np.abs(p).max(axis=1), 1)
    np.testing.assert_allclose(np.abs((p * n).sum(1)), 1)
    assert np.bincount(np.abs(p).argmax(axis=1)).min() > 1800


def test_two_boxes_through_each_other_intersect():
    a, b = box(1.0), box(1.0)
    both = TriangleMesh(
        np.concatenate([a.vertices, b.vertices + [0.5, 0.3, 0.2]]), np.concatenate([a.faces, b.faces + 8])
    )
    assert intersecting_edges(a) == 0
    assert intersecting_edges(both) >= 6
    apart = TriangleMesh(np.concatenate([a.vertices, b.vertices + 2]), np.concatenate([a.faces, b.faces + 8]))
    assert intersecting_edges(apart) == 0
