"""Submaps that only their looks connect are joined at the true relative pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geo3d.io import open_rgbd
from geo3d.registration.pose_graph import Edge
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.scan.close_loops import _joined, close_loops
from geo3d.scan.distant_loops import distant_loops
from geo3d.scan.keyframe import Keyframe
from geo3d.scan.loader import load_maps


def test_two_submaps_of_one_desk_become_one(samples: Path) -> None:
    dataset = open_rgbd(samples / "box_desk")
    keyframes = []
    for k, (index, submap) in enumerate([(0, 0), (2, 0), (5, 1), (7, 1)]):
        maps = load_maps(dataset, index)
        assert not isinstance(maps, str)
        first = 0 if submap == 0 else 5
        T = inverse(dataset.T_world_camera[first]) @ dataset.T_world_camera[index]
        keyframes.append(Keyframe(index, maps, T, submap))
        assert k < 4
    closed = close_loops(keyframes, lambda keys, T: distant_loops(dataset, keys, T))
    assert closed.main.all()
    truth = inverse(dataset.T_world_camera[0]) @ dataset.T_world_camera[7]
    error = inverse(truth) @ inverse(closed.T_world_keyframe[0]) @ closed.T_world_keyframe[3]
    assert np.rad2deg(angle(error)) < 3
    assert np.linalg.norm(error[:3, 3]) < 0.03


def test_pieces_are_joined_by_the_edges_that_agree() -> None:
    truth = np.stack([exp_se3(np.array([0, 0, 0.2 * k, k, 0, 0])) for k in range(6)])
    piece = np.array([0, 0, 0, 3, 3, 3])
    moved = truth.copy()
    moved[3:] = exp_se3(np.array([0.3, -1.0, 0.5, 4, 5, 6])) @ truth[3:]
    wrong = Edge(0, 5, exp_se3(np.full(6, 1.0)), np.eye(6))
    right = [Edge(i, j, inverse(truth[i]) @ truth[j], np.eye(6)) for i, j in ((2, 3), (1, 4), (0, 3))]
    T, pieces = _joined(moved, piece, [wrong, *right])
    assert (pieces == 0).all()
    assert np.allclose(T, truth, atol=1e-9)
