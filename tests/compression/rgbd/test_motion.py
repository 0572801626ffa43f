"""Rotations by Cayley parameters, and the exact pieces of the warp, against independent formulas."""

from __future__ import annotations

import numpy as np
from geo3d_compression.jpeg.file import Plane
from geo3d_compression.rgbd.motion import Calibration, Motion, from_matrix
from geo3d_compression.rgbd.samples import forward, plane_samples
from geo3d_compression.rgbd.warp import FRACTION, KERNEL, depth_in_color, flow
from scipy.fft import dctn
from scipy.spatial.transform import Rotation


def test_motion_is_the_rotation() -> None:
    for k in range(5):
        T = np.eye(4)
        T[:3, :3] = Rotation.from_rotvec(np.array([0.1, -0.4, 0.7]) * k / 2).as_matrix()
        T[:3, 3] = [0.5, -k, 0.01]
        motion = from_matrix(T)
        assert np.allclose(motion.matrix(), T[:3], atol=1e-6)
        assert np.allclose(motion.inverse(), np.linalg.inv(T)[:3], atol=1e-6)


def test_kernel_sums_and_symmetry() -> None:
    assert (KERNEL.sum(1) == 4096).all()
    assert KERNEL[0].tolist() == [0, 4096, 0, 0]
    assert np.abs(KERNEL[1:] - KERNEL[:0:-1, ::-1]).max() <= 2


def test_transform_there_and_back() -> None:
    """`forward` is scipy's DCT over the step, and `plane_samples` undoes it."""
    rng = np.random.default_rng(0)
    table = rng.integers(1, 30, 64).astype(np.int64)
    samples = rng.integers(-1500, 1500, (8, 16)).astype(np.int32)
    out = np.zeros(128, np.int16)
    forward(samples, table, out)
    for b in range(2):
        expected = dctn(samples[:, 8 * b : 8 * b + 8] / 16, norm="ortho").reshape(-1) / table * 8
        assert np.abs(out[64 * b : 64 * b + 64] - expected).max() < 1.0
    coefs = np.rint(out.reshape(1, 2, 64) / 8).astype(np.int16)
    one = Plane(np.rint(out.reshape(1, 2, 64) / 8 * table).astype(np.int16), np.ones(64, np.int32), 2, 1, 1, 1)
    assert np.abs(plane_samples(one).astype(int) - samples).max() < 60
    assert coefs.shape == (1, 2, 64)


def test_flow_of_a_shifted_plane() -> None:
    """Two metres away, a sideways step of 4 cm moves everything by f * 0.04 / 2 pixels."""
    z = np.full((20, 30), 2.0)
    k = np.array([100.0, 100.0, 15.0, 10.0])
    T = np.eye(4)
    T[0, 3] = 0.04
    out, seen = np.zeros((20, 30, 2), np.int32), np.zeros((20, 30), np.uint8)
    flow(z, z, k, from_matrix(T).matrix(), np.zeros((3, 3, 2), np.int16), 32, out, seen)
    assert (np.abs(out[:, :, 0] - (np.arange(30) + 2) * FRACTION) <= 1).all()
    assert (np.abs(out[:, :, 1] - np.arange(20)[:, None] * FRACTION) <= 1).all()
    assert seen[:, :27].all()
    assert not seen[:, 29].any()


def test_depth_holes_take_the_nearest() -> None:
    depth = np.zeros((6, 8), np.uint16)
    depth[2, 1], depth[3, 6] = 1000, 2000
    k = (50.0, 50.0, 4.0, 3.0)
    z = depth_in_color(depth, Calibration(k, k, Motion(), 1000.0), 6, 8)
    assert z[0, 0] == 1.0
    assert z[5, 7] == 2.0
    assert (depth_in_color(None, Calibration(k, k, Motion(), 1000.0, 3.5), 6, 8) == 3.5).all()
