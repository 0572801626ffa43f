import numpy as np
import pytest
from geo3d_recon.intersections import intersecting_edges
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.simplify import _without_flaps, simplify, simplify_closed
from recon_shapes import torus_distance

from geo3d.types import TriangleMesh


def torus(n=50, offset=0.0):
    axis = np.linspace(-0.6, 0.6, n)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    mesh = marching_tetrahedra(
        torus_distance(points.reshape(-1, 3)).reshape(n, n, n), points[0, 0, 0], axis[1] - axis[0]
    )
    return TriangleMesh(mesh.vertices + offset, mesh.faces)


@pytest.mark.parametrize("reduce", [simplify, simplify_closed])
def test_a_torus_of_fewer_faces_is_the_same_torus_wherever_it_lies(reduce):
    mesh = torus(offset=1e5)
    small = reduce(mesh, 2000)
    assert len(small.faces) <= 2000
    assert small.is_watertight
    assert intersecting_edges(small) == 0
    assert small.to_trimesh().euler_number == 0
    assert np.abs(torus_distance(small.vertices - 1e5)).max() < 0.005


def test_a_few_faces_are_reached_too():
    small = simplify(torus(30), 300)
    assert len(small.faces) <= 312
    assert small.is_watertight


def test_open_meshes_stay_open_and_small_ones_as_they_are():
    mesh = torus(30)
    half = TriangleMesh(mesh.vertices, mesh.faces[(mesh.vertices[mesh.faces][:, :, 0] < 0).all(axis=1)])
    small = simplify(half, 800)
    assert len(small.faces) <= 820
    assert small.to_trimesh().area == pytest.approx(half.to_trimesh().area, rel=0.02)
    assert simplify(small, 5000) is small
    assert simplify_closed(small, len(small.faces)) is small


def test_a_flattened_spike_is_taken_away():
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    spike = np.array([[0, 1, 4], [4, 1, 0]])
    np.testing.assert_array_equal(_without_flaps(np.concatenate([tetrahedron, spike])), tetrahedron)
