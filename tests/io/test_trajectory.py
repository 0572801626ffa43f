"""Trajectories as text."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geo3d.errors import FormatError
from geo3d.io import read_trajectory, write_trajectory
from geo3d.types import Trajectory


@pytest.fixture
def trajectory() -> Trajectory:
    rng = np.random.default_rng(0)
    T = np.tile(np.eye(4), (20, 1, 1))
    T[:, :3, :3] = Rotation.random(20, random_state=0).as_matrix()
    T[:, :3, 3] = rng.normal(size=(20, 3)) * 1e6
    return Trajectory(1305031102.175304 + np.arange(20) / 30, T)


def test_tum_round_trip(tmp_path, trajectory):
    write_trajectory(tmp_path / "t.txt", trajectory)
    back = read_trajectory(tmp_path / "t.txt")
    assert np.array_equal(back.timestamps, trajectory.timestamps)
    assert np.array_equal(back.positions, trajectory.positions)
    assert np.abs(back.T_world_camera[:, :3, :3] - trajectory.T_world_camera[:, :3, :3]).max() < 1e-14
    table = np.loadtxt(tmp_path / "t.txt")
    assert np.allclose(Rotation.from_quat(table[:, 4:]).as_matrix(), trajectory.T_world_camera[:, :3, :3])


def test_log_round_trip(tmp_path, trajectory):
    write_trajectory(tmp_path / "t.log", trajectory)
    back = read_trajectory(tmp_path / "t.log")
    assert np.array_equal(back.T_world_camera, trajectory.T_world_camera)
    assert back.timestamps.tolist() == list(range(20))


def test_spellings(tmp_path):
    (tmp_path / "t.txt").write_text("# header\n1,2,3,4,0,0,0,1\n\n2 2 3 4 0 0 0 1 # end\n")
    assert read_trajectory(tmp_path / "t.txt").positions.tolist() == [[2, 3, 4], [2, 3, 4]]
    (tmp_path / "e.txt").write_text("# nothing\n")
    assert len(read_trajectory(tmp_path / "e.txt")) == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "1 2 3\n", "8 numbers a line"),
        ("t.txt", "1 2 3 4 0 0 0\n1 2 3 4 0 0 0 1 9\n", "8 numbers a line"),
        ("t.txt", "1 2 3 4 0 0 0 0\n", "quaternion 0 has length 0"),
        ("t.txt", "1 nan 3 4 0 0 0 1\n", "not finite"),
        ("t.txt", "one 2 3 4 0 0 0 1\n", "'one'"),
        ("t.log", "0 0 1\n1 0 0 0\n", "19 numbers"),
        ("t.log", "0 0 1\n" + "2 0 0 0\n0 2 0 0\n0 0 2 0\n0 0 0 1\n", "not a rotation"),
    ],
)
def test_messages(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=message):
        read_trajectory(tmp_path / name)


@pytest.mark.parametrize("name", ["t.txt", "t.log"])
def test_damage(tmp_path, trajectory, survives_damage, name):
    write_trajectory(tmp_path / name, trajectory)
    survives_damage(read_trajectory, tmp_path / name, count=100)
