"""Synthetic rooms: rendered depth agrees with geometry and poses, sensors quantise as they should, seeds repeat."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geo3d.synthetic import SENSORS, Room, Sensor, random_room, random_walk, render_frame, write_sequence


@pytest.fixture(scope="module")
def room() -> Room:
    return random_room(3)


def small(name: str) -> Sensor:
    return replace(SENSORS[name], camera=SENSORS[name].camera.resized(160, 120))


PERFECT = replace(small("tof"), noise=0.0, flying=0.0, depth_scale=1000, far=50.0, near=0.01)


def test_depth_and_pose_put_the_points_on_the_surfaces(room: Room) -> None:
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    mesh = room.mesh
    scene.add_triangles(
        o3d.core.Tensor(mesh.vertices.astype(np.float32)), o3d.core.Tensor(mesh.faces.astype(np.uint32))
    )
    T = random_walk(room, 5, seed=0)[2]
    frame = render_frame(room, PERFECT, T, 0)
    v, u = np.nonzero(frame.depth)
    z = frame.depth_metres()[v, u].astype(np.float64)
    c = frame.camera
    local = np.stack([(u - c.cx) / c.fx * z, (v - c.cy) / c.fy * z, z], axis=1)
    world = local @ T[:3, :3].T + T[:3, 3]
    off = scene.compute_distance(o3d.core.Tensor(world.astype(np.float32))).numpy()
    assert len(z) > 0.9 * frame.depth.size
    # Half a step of the stored millimetres along the ray.
    assert off.max() < 0.0015


def test_poses_are_rigid_upright_and_inside(room: Room) -> None:
    T = random_walk(room, 30, seed=4)
    R = T[:, :3, :3]
    assert np.allclose(R @ R.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert (np.linalg.det(R) > 0).all()
    assert (R[:, 2, 1] < 0).all()  # the image's down is the world's down
    assert ((T[:, :3, 3] > 0) & (T[:, :3, 3] < room.size)).all()
    assert np.linalg.norm(np.diff(T[:, :3, 3], axis=0), axis=1).max() < 0.2


def test_structured_light_quantises_disparity() -> None:
    sensor = replace(SENSORS["kinect"], noise=0.0, flying=0.0)
    ramp = np.tile(np.linspace(0.5, 4.5, 640, dtype=np.float32), (480, 1))
    measured = sensor.measure(ramp, np.random.default_rng(0))
    z = np.unique(measured[measured > 0]) / 1000
    disparity = sensor.camera.fx * sensor.baseline / z
    # Steps of 1/8 px, up to the rounding of depth to millimetres.
    error = np.abs(disparity / sensor.subpixel - np.rint(disparity / sensor.subpixel))
    assert np.median(error) < 0.06
    assert len(z) < 640


def test_noise_grows_with_distance() -> None:
    rng = np.random.default_rng(0)
    for name, sensor in SENSORS.items():
        spread = []
        for z in (1.0, 4.0):
            flat = np.full((sensor.camera.height, sensor.camera.width), z, np.float32)
            m = sensor.measure(flat, rng)
            spread.append((m[m > 0] / sensor.depth_scale).std())
        assert spread[1] > 2 * spread[0] > 0, name


def test_out_of_range_is_zero() -> None:
    sensor = SENSORS["kinect"]
    depth = np.full((480, 640), np.inf, np.float32)
    depth[:100] = 0.1
    assert not sensor.measure(depth, np.random.default_rng(0)).any()


def test_sequence_is_written_once_and_repeats_by_seed(room: Room, tmp_path: Path) -> None:
    sensor = small("kinect")
    T = random_walk(room, 2, seed=0)
    write_sequence(tmp_path / "a", room, sensor, T, seed=7)
    write_sequence(tmp_path / "b", random_room(3), sensor, T, seed=7)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) == 2 * 3 + 2
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
