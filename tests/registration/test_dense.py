"""The dense parts against exact poses of a synthetic room, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import RegistrationError
from geo3d.registration.dense import align, frame_maps
from geo3d.registration.dense._image import normals_from_depth, reduce_depth
from geo3d.registration.dense._normal_equations import normal_equations
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.types import PinholeCamera, RGBDFrame

CAMERA = PinholeCamera(320, 240, 290.0, 290.0, 159.5, 119.5)


def plane_depth(normal: np.ndarray, distance: float) -> np.ndarray:
    v, u = np.mgrid[0:240, 0:320]
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones((240, 320))], axis=-1)
    return (distance / (rays @ normal)).astype(np.float32)


def test_normals_of_a_slanted_plane() -> None:
    normal = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])
    n = normals_from_depth(plane_depth(normal, 1.5), CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy, 2, 0.06)
    assert np.abs(n[10:-10, 10:-10] + normal).max() < 1e-3


def test_depths_are_not_mixed_over_an_edge() -> None:
    depth = np.full((4, 8), 1.0, np.float32)
    depth[:, 3:] = 3.0
    small = reduce_depth(depth, 2)
    assert set(np.unique(small)) <= {0.0, 1.0, 3.0}
    assert (small[:, 0] == 1).all()
    assert (small[:, 2:] == 3).all()


def test_normal_equations_are_the_derivative_of_the_residuals(room_frames: list[RGBDFrame]) -> None:
    a, b = frame_maps(room_frames[0]), frame_maps(room_frames[0])
    level, camera = b.levels[0], b.levels[0].camera
    points = a.levels[0].points

    def system(T: np.ndarray, photo: float) -> tuple:
        return normal_equations(
            points, T[:3, :3].copy(), T[:3, 3].copy(), level.depth, level.normals, level.grey, level.gradient,
            camera.fx, camera.fy, camera.cx, camera.cy, 0.2, photo, 1,
        )  # fmt: skip

    shift = np.array([0.002, -0.001, 0.0015, 0.004, -0.003, 0.005])
    H, G, gradient, _ = system(exp_se3(shift), 0.0)
    assert np.allclose(H, G)
    assert np.allclose(H, H.T)
    # At a small offset from the optimum the gradient is H times the offset.
    assert np.allclose(np.linalg.solve(H, gradient), shift, atol=1.5e-3)


def test_alignment_reaches_the_true_pose(room_frames: list[RGBDFrame]) -> None:
    source, target = room_frames[0], room_frames[1]
    assert source.T_world_camera is not None
    assert target.T_world_camera is not None
    truth = inverse(target.T_world_camera) @ source.T_world_camera
    start = exp_se3(np.array([0.03, -0.02, 0.02, 0.05, 0.03, -0.04])) @ truth
    found = align(frame_maps(source), [(frame_maps(target), np.eye(4))], start)
    error = inverse(truth) @ found.T_target_source
    assert np.rad2deg(angle(error)) < 0.7
    assert np.linalg.norm(error[:3, 3]) < 0.02
    assert found.matched > 0.7


def test_several_targets_agree_with_one(room_frames: list[RGBDFrame], random_pose: np.ndarray) -> None:
    a, b = frame_maps(room_frames[0]), frame_maps(room_frames[1])
    start = inverse(room_frames[1].T_world_camera) @ room_frames[0].T_world_camera
    one = align(a, [(b, np.eye(4))], start)
    # The same target twice, in another reference frame.
    twice = align(a, [(b, inverse(random_pose))] * 2, random_pose @ start)
    error = inverse(random_pose @ one.T_target_source) @ twice.T_target_source
    assert angle(error) < 1e-3
    assert np.linalg.norm(error[:3, 3]) < 2e-3


def test_consistency_tells_right_from_wrong_and_is_symmetric(room_frames: list[RGBDFrame]) -> None:
    a, b, other = (frame_maps(f) for f in room_frames)
    truth = inverse(room_frames[1].T_world_camera) @ room_frames[0].T_world_camera
    right = consistency(a, b, truth)
    shifted = consistency(a, b, exp_se3(np.array([0, 0, 0, 0, 0, -0.4])) @ truth)
    assert right.consistent > 0.7
    assert right.violation < 0.05
    assert right.tone > 0.6
    assert shifted.consistent < 0.5 * right.consistent
    assert max(shifted.violation, shifted.occluded) > 0.3
    back = consistency(b, a, inverse(truth))
    assert back.pairs == right.pairs
    assert back.overlap == pytest.approx(right.overlap)
    unrelated = consistency(a, other, np.eye(4))
    assert unrelated.tone < 0.3


def test_a_frame_without_depth_is_an_error() -> None:
    frame = RGBDFrame(np.zeros((240, 320), np.uint16), CAMERA, name="f")
    with pytest.raises(RegistrationError, match="'f' has depth at 0"):
        frame_maps(frame)


def test_a_frame_without_colour_aligns_by_shape(room_frames: list[RGBDFrame]) -> None:
    from dataclasses import replace

    a, b = (frame_maps(replace(f, color=None)) for f in room_frames[:2])
    truth = inverse(room_frames[1].T_world_camera) @ room_frames[0].T_world_camera
    found = align(a, [(b, np.eye(4))], truth)
    assert not a.colored
    assert np.isnan(found.photo_rmse)
    assert np.linalg.norm((inverse(truth) @ found.T_target_source)[:3, 3]) < 0.03
