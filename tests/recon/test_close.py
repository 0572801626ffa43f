import numpy as np
import pytest
import trimesh
from geo3d_recon.close import close

from geo3d.types import TriangleMesh


def test_a_ball_with_a_hole_is_closed_and_stays_a_ball():
    t = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    mesh = TriangleMesh(t.vertices, t.faces[t.triangles_center[:, 2] < 0.4])
    assert not mesh.is_watertight
    closed = close(mesh, resolution=40)
    assert closed.is_watertight
    below = closed.vertices[closed.vertices[:, 2] < 0.35]
    np.testing.assert_allclose(np.linalg.norm(below, axis=1), 0.5, atol=0.004)
    assert closed.to_trimesh().volume == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.05)
