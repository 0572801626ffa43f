"""Learned matches: patches cancel scale, coarse to fine prefers what overlaps, the closed form finds signal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from geo3d.nn.match_net import MatchNet, NetInput
from geo3d.registration.dense import frame_maps
from geo3d.registration.frames.describe import describe_frame
from geo3d.registration.frames.propose import learned_matches
from geo3d.registration.learned.descriptor import (
    LinearDescriptor,
    describe_points,
    descriptor_from_bytes,
    load_descriptor,
    save_descriptor,
    soft_matches,
)
from geo3d.registration.learned.net_input import MAX_POINTS, net_input, spread_indices
from geo3d.registration.learned.patches import cut_patches
from geo3d.registration.se3 import inverse
from geo3d.registration.training.match_data import MatchPair
from geo3d.registration.training.match_report import report_matches
from geo3d.registration.training.match_start import linear_start
from geo3d.synthetic import SENSORS, any_room, random_walk, render_frame
from geo3d.types import PinholeCamera, RGBDFrame


def wall(distance: float) -> RGBDFrame:
    """A wall with a smooth pattern, square to the camera at a distance [m]."""
    camera = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
    v, u = np.mgrid[:240, :320]
    x, y = (u - 159.5) / 300 * distance, (v - 119.5) / 300 * distance
    grey = 128 + 60 * np.sin(4 * x) * np.cos(5 * y + 1)
    color = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    return RGBDFrame(np.full((240, 320), 1000 * distance, np.uint16), camera, 1000, color)


def test_a_patch_is_the_same_from_twice_the_distance() -> None:
    near, far = (frame_maps(wall(d)).levels[0] for d in (1.0, 2.0))
    # Brightness itself: the pyramid's normalisation depends on the window.
    near, far = (replace(m, tone=frame_luma(d)) for m, d in ((near, 1.0), (far, 2.0)))
    normal = np.array([[0, 0, -1.0]])
    a = cut_patches(near, np.array([[0.1, 0.05, 1.0]]), normal, 0.02)
    b = cut_patches(far, np.array([[0.1, 0.05, 2.0]]), normal, 0.02)
    assert np.abs(a[0, 0] - b[0, 0]).max() < 3
    assert a[0, 0].std() > 1
    assert np.allclose(a[0, 4], 0, atol=1e-3)
    assert (a[0, 5] == 1).all()


def frame_luma(distance: float) -> np.ndarray:
    return wall(distance).color[..., 0].astype(np.float32)


def test_height_tells_a_step_in_front_of_the_wall() -> None:
    frame = wall(1.0)
    depth = frame.depth.copy()
    depth[:, 170:] = 980
    level = frame_maps(replace(frame, depth=depth)).levels[0]
    patch = cut_patches(level, np.array([[0.0, 0.0, 1.0]]), np.array([[0, 0, -1.0]]), 0.02)
    heights = patch[0, 4]
    assert np.isclose(heights.max(), 0.5, atol=0.05)
    assert (np.abs(heights) < 0.05).any()


def test_confidence_is_highest_where_nothing_else_is_like_it() -> None:
    eye = np.eye(4, dtype=np.float32)
    a, b = eye[[0, 1, 1]], eye[[1, 0, 2]]
    pairs, score = soft_matches(a, b)
    told = {tuple(p): s for p, s in zip(pairs.tolist(), score, strict=True)}
    assert max(told, key=lambda p: told[p]) == (0, 1)
    assert {(0, 1), (1, 0), (2, 0)} <= set(told)
    assert np.all(score <= 0)
    assert soft_matches(a[:0], b)[0].shape == (0, 2)


def test_points_are_described_block_by_block_and_the_shipped_weights_load() -> None:
    rng = np.random.default_rng(0)
    level = frame_maps(wall(1.0)).levels[1]
    points = np.c_[rng.uniform(-0.3, 0.3, (700, 2)), np.ones(700)]
    normals = np.tile([0, 0, -1.0], (700, 1))
    shape, color = rng.uniform(size=(700, 66)).astype(np.float32), np.zeros((700, 12), np.float32)
    d = LinearDescriptor(rng.normal(size=(64, 1614)).astype(np.float32), np.zeros(64, np.float32))
    whole = describe_points(level, points, normals, shape, color, 0.02, d)
    part = describe_points(level, points[600:], normals[600:], shape[600:], color[600:], 0.02, d)
    assert np.allclose(whole[600:], part, atol=1e-5)
    assert np.allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
    assert load_descriptor().W.shape == (64, 1614)


def side(points: np.ndarray, signal: np.ndarray, rng: np.random.Generator) -> NetInput:
    """Features of which the first 8 belong to the point and all others are noise of every view."""
    shape = rng.normal(size=(len(points), 66)).astype(np.float32)
    shape[:, :8] = signal + 0.05 * rng.normal(size=signal.shape)
    patches = rng.normal(size=(len(points), 6, 16, 16)).astype(np.float32)
    normals = np.tile([0, 0, 1.0], (len(points), 1))
    color = rng.normal(size=(len(points), 12)).astype(np.float32)
    return net_input(points, normals, shape, color, patches, 1.0, colored=True)


def test_the_closed_form_start_finds_what_belongs_to_the_point() -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(4):
        points, signal = rng.uniform(0, 40, (150, 3)), rng.normal(size=(150, 8))
        pairs.append(MatchPair(side(points, signal, rng), side(points, signal, rng), np.eye(4)))
    W, bias = linear_start(pairs, 8)
    assert W.shape == (8, 66 + 12 + 6 * 256)
    energy = (W**2).sum(axis=0)
    assert energy[:8].sum() > 0.8 * energy[:78].sum()
    net = MatchNet()
    net.start_linear(np.tile(W, (8, 1)), np.tile(bias, 8))
    with torch.no_grad():
        a, b = net.encode(pairs[0].a).local, net.encode(pairs[0].b).local
    assert ((a @ b.T).argmax(1) == torch.arange(150)).float().mean() > 0.9


def test_the_report_rates_a_linear_branch_that_knows_the_signal() -> None:
    rng = np.random.default_rng(1)
    points, signal = rng.uniform(0, 60, (150, 3)), rng.normal(size=(150, 8))
    pair = MatchPair(side(points, signal, rng), side(points, signal, rng), np.eye(4))
    net = MatchNet()
    W = np.zeros((64, 1614), np.float32)
    W[np.arange(8), np.arange(8)] = 1
    net.start_linear(W, np.zeros(64, np.float32))
    report = report_matches(net, [pair])
    assert report["linear"] > 0.95
    assert report["linear"] > report["fpfh_and_colour"]


def test_many_points_are_thinned_the_same_way_each_time() -> None:
    assert len(spread_indices(5000)) == MAX_POINTS
    assert np.array_equal(spread_indices(5000), spread_indices(5000))


def test_weights_are_read_as_they_were_written_however_they_lie_in_memory(tmp_path: Path) -> None:
    W = np.arange(64 * 7, dtype=np.float32).reshape(7, 64).T
    save_descriptor(tmp_path / "d.safetensors", W, np.arange(64, dtype=np.float32))
    d = descriptor_from_bytes((tmp_path / "d.safetensors").read_bytes())
    assert np.array_equal(d.W, W)
    assert np.array_equal(d.bias, np.arange(64))


def test_the_shipped_weights_find_points_again_in_a_room_they_never_saw() -> None:
    room = any_room(31_002)
    T = random_walk(room, 12, 31_002, metres_per_frame=0.1)[[0, 3]]
    a, b = (describe_frame(render_frame(room, SENSORS["phone"], t, k), 0.045, images=False) for k, t in enumerate(T))
    T_b_a = inverse(T[1]) @ T[0]
    right = []
    for x, y in ((a, b), (replace(a, learned=a.learned[:, ::-1]), b)):
        s, t, score = learned_matches(x, y)
        best = np.argsort(-score)[:100]
        error = np.linalg.norm(s[best] @ T_b_a[:3, :3].T + T_b_a[:3, 3] - t[best], axis=1)
        right.append((error < 3 * 0.045).mean())
    assert right[0] > 0.3
    assert right[1] < 0.1
