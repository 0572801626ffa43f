"""Pairs for the matching network: synthetic rooms made on the fly, a few views each, with their true poses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import RegistrationError
from geo3d.nn.match_net import NetInput
from geo3d.registration.dense import frame_maps
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.frames.describe import FrameDescription, describe_frame, feature_voxel
from geo3d.registration.learned.net_input import MAX_POINTS, net_input
from geo3d.registration.learned.patches import cut_patches
from geo3d.registration.se3 import inverse
from geo3d.registration.training.pairs import exposed, misregistered
from geo3d.synthetic import SENSORS, any_room, random_walk, render_frame
from geo3d.types import RGBDFrame, TriangleMesh

FRAMES = 10
MIN_OVERLAP = 0.08
WIDTH = 320
ROLL = 0.15  # radians, standard deviation


@dataclass(frozen=True, eq=False)
class MatchPair:
    """Two sides in voxels and T_b_a [4, 4] between their centred frames, in voxels too."""

    a: NetInput
    b: NetInput
    T_b_a: NDArray[np.float64]


def room_pairs(
    seed: int, count: int, images: Sequence[NDArray[np.uint8]] = (), shapes: Sequence[TriangleMesh] = ()
) -> Iterator[MatchPair]:
    """At most `count` pairs of one room that share something, low overlaps preferred; the same for the same seed."""
    rng = np.random.default_rng(seed)
    frames, poses = _views(seed, rng, images, shapes)
    if len(frames) < 2:
        return
    voxel = float(np.median([feature_voxel(frame_maps(f)) for f in frames]) * rng.uniform(0.85, 1.2))
    described = [describe_frame(f, voxel, images=False, learned=False) for f in frames]
    pairs, weights = [], []
    for i in range(len(frames)):
        for j in range(i):
            T = inverse(poses[j]) @ poses[i]
            seen = consistency(described[i].maps, described[j].maps, T, level=2, step=2)
            share = seen.overlap if T[2, 2] > -0.5 else 0.0
            if share > MIN_OVERLAP:
                pairs.append((i, j, T))
                weights.append(1 / (0.2 + share))
    if not pairs:
        return
    # A pair that comes again does so with other points and another look.
    chosen = rng.choice(len(pairs), min(count, 3 * len(pairs)), p=np.array(weights) / np.sum(weights))
    for k in chosen:
        i, j, T = pairs[k]
        drop = rng.uniform()
        a, b = (_side(described[n], rng, drop) for n in (i, j))
        if a is None or b is None:
            continue
        (x, center_a), (y, center_b) = a, b
        T = T.copy()
        T[:3, 3] = (T[:3, 3] + T[:3, :3] @ center_a - center_b) / voxel
        yield MatchPair(x, y, T)


def _views(
    seed: int, rng: np.random.Generator, images: Sequence[NDArray[np.uint8]], shapes: Sequence[TriangleMesh]
) -> tuple[list[RGBDFrame], list[NDArray[np.float64]]]:
    some = [shapes[k] for k in rng.choice(len(shapes), min(6, len(shapes)), replace=False)] if len(shapes) else []
    room = any_room(seed, images, some)
    sensor = list(SENSORS.values())[int(rng.integers(len(SENSORS)))]
    wide = sensor.camera.width / WIDTH
    if wide > 1:
        # No more than the finest level of the pyramid keeps anyway; the longer baseline keeps the depth's error.
        camera = sensor.camera.resized(WIDTH, round(sensor.camera.height / wide))
        sensor = replace(sensor, camera=camera, baseline=sensor.baseline * wide)
    # Half of the rooms are seen by a camera whose colour is not exactly registered to its depth.
    spread = 1.0 if rng.uniform() < 0.5 else 0.0
    zoom, shift = 1 + spread * rng.uniform(-0.06, 0.06), spread * rng.uniform(-0.015, 0.015, 2)
    frames, poses = [], []
    for k, T in enumerate(random_walk(room, FRAMES, seed, metres_per_frame=0.3)):
        frame = render_frame(room, sensor, T, seed * 1000 + k)
        try:
            frame_maps(frame)
        except RegistrationError:
            continue
        frames.append(exposed(misregistered(frame, zoom, shift), rng))
        poses.append(T)
    return frames, poses


def _side(d: FrameDescription, rng: np.random.Generator, drop: float) -> tuple[NetInput, NDArray[np.float64]] | None:
    """Random points of a description; sometimes without colour, patches, or both, as clouds and other sensors are."""
    if len(d.points) < 200:
        return None
    keep = rng.choice(len(d.points), min(MAX_POINTS, len(d.points)), replace=False)
    points, normals = d.points[keep], d.normals[keep]
    patches = cut_patches(d.maps.levels[1], points, normals, d.voxel, rng.normal() * ROLL)
    colored = d.maps.colored and drop > 0.12
    if not colored:
        patches[:, :4] = 0
    x = net_input(points, normals, d.shape[keep], d.color[keep] * colored, patches, d.voxel, colored=colored)
    if drop < 0.06 or drop > 0.9:
        x = replace(x, has_patch=0.0)
    return x, points.mean(axis=0)
