"""The sparse extraction against the dense one, and against a sphere."""

import numpy as np
import pytest
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.marching_sparse import marching_sparse


def sphere():
    at = np.stack(np.meshgrid(*[np.arange(24)] * 3, indexing="ij"), axis=-1)
    return at, np.linalg.norm(at - 11.6, axis=-1) - 8.3


def test_the_same_surface_as_on_the_dense_grid():
    at, values = sphere()
    near = np.abs(values) < 3
    shuffled = np.random.default_rng(0).permutation(int(near.sum()))
    mesh = marching_sparse(at[near][shuffled], values[near][shuffled], np.array([1.0, 2, 3]), 0.5)
    dense = marching_tetrahedra(values, np.array([1.0, 2, 3]), 0.5)
    assert mesh.is_watertight
    assert len(mesh.faces) == len(dense.faces)
    ours, theirs = (m.vertices[np.lexsort(np.round(m.vertices, 6).T)] for m in (mesh, dense))
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_cells_that_lack_a_corner_have_no_surface():
    at, values = sphere()
    left = at[..., 0] < 12
    mesh = marching_sparse(at[left], values[left], np.zeros(3), 1.0)
    assert len(mesh.faces) > 0
    assert mesh.vertices[:, 0].max() <= 11
    assert not len(marching_sparse(at[values > 1], values[values > 1], np.zeros(3), 1.0).faces)
