"""Pairs of frames with known poses, spread over all overlaps, a share without any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import RegistrationError
from geo3d.io import open_rgbd
from geo3d.registration.dense import frame_maps
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.se3 import inverse
from geo3d.synthetic import SENSORS, DepthCamera, any_room, random_walk, render_frame
from geo3d.types import RGBDFrame

BINS = ((0.0, 0.0), (0.1, 0.3), (0.3, 0.5), (0.5, 0.9))


@dataclass(frozen=True, eq=False)
class FramePair:
    """Two frames, the true T_target_source, and their overlap at it (0: none)."""

    source: RGBDFrame
    target: RGBDFrame
    T_target_source: NDArray[np.float64]
    overlap: float


def pairs_of_bins(
    poses: NDArray[np.float64], load: Callable[[int], RGBDFrame], per_bin: int, seed: int
) -> Iterator[FramePair]:
    """Up to `per_bin` pairs of each overlap bin, in random order within a bin.

    Parameters
    ----------
    poses : [N, 4, 4] camera-to-world; load : the frame of an index.
    """
    rng = np.random.default_rng(seed)
    maps = [frame_maps(load(i)) for i in range(len(poses))]
    by_bin: list[list[tuple[int, int, float]]] = [[] for _ in BINS]
    for i in range(len(poses)):
        for j in range(i):
            T = inverse(poses[j]) @ poses[i]
            share = 0.0 if T[2, 2] < -0.5 else consistency(maps[i], maps[j], T, level=2, step=2).overlap
            for found, (low, high) in zip(by_bin, BINS, strict=True):
                if low <= share < high or share == high == 0:
                    found.append((i, j, share))
    for found in by_bin:
        for k in rng.permutation(len(found))[:per_bin]:
            i, j, share = found[k]
            yield FramePair(load(i), load(j), inverse(poses[j]) @ poses[i], share)


def folder_pairs(folder: Path, per_bin: int, seed: int, max_frames: int = 90) -> Iterator[FramePair]:
    """Pairs of an RGB-D folder with poses."""
    dataset = open_rgbd(folder)
    posed = [i for i, T in enumerate(dataset.T_world_camera) if T is not None]
    chosen = posed[:: max(1, -(-len(posed) // max_frames))]
    frames: dict[int, RGBDFrame] = {}

    def load(k: int) -> RGBDFrame:
        return frames.setdefault(k, dataset.load(chosen[k]))

    poses = [dataset.T_world_camera[i] for i in chosen]
    yield from pairs_of_bins(np.stack([T for T in poses if T is not None]), load, per_bin, seed)


def synthetic_pairs(
    rooms: Sequence[int],
    per_bin: int,
    frames: int = 16,
    images: Sequence[NDArray[np.uint8]] = (),
    sensors: Sequence[DepthCamera] = tuple(SENSORS.values()),
) -> Iterator[FramePair]:
    """Pairs of random rooms (by seed), each seen by one of the sensors in turn, with changes of exposure.

    Every other room's colour is not exactly registered to its depth, as with many real sensors.

    Parameters
    ----------
    images : [H, W, 3] pictures that become textures beside the procedural ones.
    """
    for seed in rooms:
        room = any_room(seed, images)
        sensor = sensors[seed % len(sensors)]
        walk = random_walk(room, frames, seed, metres_per_frame=0.25)
        rng = np.random.default_rng(seed)
        zoom, shift = (rng.uniform(0.9, 1.1), rng.uniform(-0.02, 0.02, 2)) if seed % 2 == 1 else (1.0, np.zeros(2))
        seen, poses = [], []
        for k, T in enumerate(walk):
            frame = render_frame(room, sensor, T, seed * 1000 + k)
            try:
                frame_maps(frame)
            except RegistrationError:
                continue
            seen.append(exposed(misregistered(frame, zoom, shift), rng))
            poses.append(T)
        if len(poses) > 3:
            yield from pairs_of_bins(np.stack(poses), seen.__getitem__, per_bin, seed)


def without_color(pair: FramePair) -> FramePair:
    """The pair as sensors give it that see no colour."""
    return replace(pair, source=replace(pair.source, color=None), target=replace(pair.target, color=None))


def read_images(folder: Path, size: int = 512) -> list[NDArray[np.uint8]]:
    """The pictures of a folder, in the order of their names, at most `size` pixels wide and high."""
    from PIL import Image

    images = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            with Image.open(path) as picture:
                picture.thumbnail((size, size))
                images.append(np.asarray(picture.convert("RGB")))
    return images


def misregistered(frame: RGBDFrame, zoom: float, shift: NDArray[np.float64]) -> RGBDFrame:
    """The frame with its colour enlarged about the centre and shifted by a share of the width."""
    if frame.color is None or (zoom == 1 and not shift.any()):
        return frame
    h, w = frame.color.shape[:2]
    v, u = np.mgrid[0:h, 0:w]
    u_from = np.clip(np.rint((u - w / 2) / zoom + w / 2 - shift[0] * w), 0, w - 1).astype(int)
    v_from = np.clip(np.rint((v - h / 2) / zoom + h / 2 - shift[1] * w), 0, h - 1).astype(int)
    return replace(frame, color=frame.color[v_from, u_from])


def exposed(frame: RGBDFrame, rng: np.random.Generator) -> RGBDFrame:
    """The frame with another exposure and white balance."""
    if frame.color is None:
        return frame
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    if (frame.color[..., 0] == frame.color[..., 2]).all():
        gain[:] = gain[0]
    bright = (frame.color / 255.0) ** rng.uniform(0.8, 1.25) * gain
    return replace(frame, color=np.clip(255 * bright, 0, 255).astype(np.uint8))
