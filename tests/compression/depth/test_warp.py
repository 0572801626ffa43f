import numpy as np
from geo3d_compression.depth.warp import FixedCamera, fixed_motion, splat

from geo3d.types import PinholeCamera

CAMERA = PinholeCamera(64, 48, 50.0, 55.0, 31.3, 22.8)


def pose(angle: float, t: list[float]) -> np.ndarray:
    T = np.eye(4)
    c, s = np.cos(angle), np.sin(angle)
    T[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    T[:3, 3] = t
    return T


def test_no_motion_leaves_the_picture() -> None:
    depth = np.random.default_rng(0).integers(0, 5000, (48, 64))
    assert (splat(depth, FixedCamera.of(CAMERA), fixed_motion(np.eye(4), 1000.0)) == depth).all()


def test_points_land_where_the_pinhole_camera_puts_them() -> None:
    """Against floating-point projection of single points."""
    rng = np.random.default_rng(1)
    T = pose(0.2, [0.1, -0.05, 0.2])
    motion = fixed_motion(T, 1000.0)
    hits = 0
    for _ in range(300):
        x, y, d = int(rng.integers(64)), int(rng.integers(48)), int(rng.integers(300, 6000))
        depth = np.zeros((48, 64), np.int64)
        depth[y, x] = d
        out = splat(depth, FixedCamera.of(CAMERA), motion)
        X = np.array([(x - 31.3) / 50 * d, (y - 22.8) / 55 * d, d, 1000.0]) / 1000
        Y = T @ X
        u, v, z = 50 * Y[0] / Y[2] + 31.3, 55 * Y[1] / Y[2] + 22.8, Y[2] * 1000
        found = np.argwhere(out)
        if min(abs(u % 1 - 0.5), abs(v % 1 - 0.5)) < 1e-2:
            continue
        if 0 <= round(u) < 64 and 0 <= round(v) < 48:
            assert found.tolist() == [[round(v), round(u)]]
            assert abs(out[round(v), round(u)] - z) <= 0.6
            hits += 1
        else:
            assert len(found) == 0
    assert hits > 100


def test_the_nearest_point_wins_and_points_behind_are_dropped() -> None:
    depth = np.full((48, 64), 1000, np.int64)
    camera = FixedCamera.of(CAMERA)
    assert (splat(depth, camera, fixed_motion(pose(0, [0, 0, -2.0]), 1000.0)) == 0).all()
    depth[:, ::2] = 4000
    out = splat(depth, camera, fixed_motion(pose(0, [0, 0, 3.0]), 1000.0))
    assert out[23, 31] == 4000


def test_extreme_numbers_do_not_overflow_into_the_picture() -> None:
    depth = np.full((48, 64), 65535, np.int64)
    motion = np.full((3, 4), 1 << 25, np.int64)
    motion[:, 3] = 1 << 34
    for camera in (FixedCamera(1 << 16, 1 << 16, -(1 << 31), 1 << 31), FixedCamera(1 << 31, 1 << 31, 0, 0)):
        out = splat(depth, camera, motion)
        assert ((out >= 0) & (out <= 65535)).all()
