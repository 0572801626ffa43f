"""Loop edges that no trajectory predicts: places recognised by their looks, registered from scratch, verified.

They join submaps after the track was lost, and close loops whose drift is larger than the overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.io import RGBDDataset
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.frames import FrameDescription, describe_frame, register_descriptions
from geo3d.registration.frames.describe import feature_voxel
from geo3d.registration.pose_graph import Edge
from geo3d.registration.se3 import inverse
from geo3d.scan.edges import information_of_pair
from geo3d.scan.keyframe import Keyframe
from geo3d.scan.loader import load_frame
from geo3d.scan.recognition import similarity

# Registrations that are tried: per keyframe of the scan, and per submap that is not connected.
TRIES_PER_KEYFRAME = 0.2
TRIES_PER_SUBMAP = 12
MIN_GAP = 8


def distant_loops(dataset: RGBDDataset, keyframes: Sequence[Keyframe], T: NDArray[np.float64]) -> list[Edge]:
    """Verified edges between keyframes that look alike but are far apart, or in different submaps, at the poses T."""
    near, far = _sorted_pairs(keyframes, T)
    if not far:
        return []
    voxel = float(np.median([feature_voxel(k.maps) for k in keyframes]))
    with ThreadPoolExecutor(2) as pool:
        described = list(
            progress(pool.map(lambda k: _describe(dataset, k, voxel), keyframes), "describing", len(keyframes))
        )
        alike = _similarity(described)
        pairs = _chosen(keyframes, near, far, alike)
        found = progress(pool.map(lambda p: _edge(keyframes, described, *p), pairs), "recognised places", len(pairs))
        return [e for e in found if e is not None]


def _sorted_pairs(
    keyframes: Sequence[Keyframe], T: NDArray[np.float64]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(near, far): pairs a few keyframes apart that see the same, and pairs that the trajectory does not explain."""
    near, far = [], []
    for i, a in enumerate(keyframes):
        for j in range(i + 1, len(keyframes)):
            b = keyframes[j]
            if a.submap != b.submap:
                far.append((i, j))
                continue
            if 3 < j - i < MIN_GAP:
                continue
            T_a_b = inverse(T[i]) @ T[j]
            seen = T_a_b[2, 2] > 0 and consistency(b.maps, a.maps, T_a_b, level=2, step=4).overlap > 0.15
            if seen and j - i <= 3:
                near.append((i, j))
            elif not seen and j - i >= MIN_GAP:
                far.append((i, j))
    return near, far


def _similarity(described: Sequence[FrameDescription | None]) -> NDArray[np.float64]:
    """[K, K]; -1 for keyframes that could not be described."""
    usable = [k for k, d in enumerate(described) if d is not None]
    alike = np.full((len(described), len(described)), -1.0)
    alike[np.ix_(usable, usable)] = similarity([d for d in described if d is not None])
    return alike


def _chosen(
    keyframes: Sequence[Keyframe],
    near: Sequence[tuple[int, int]],
    far: Sequence[tuple[int, int]],
    alike: NDArray[np.float64],
) -> list[tuple[int, int]]:
    """The most similar of the far pairs, as many as the budget allows."""
    # Frames a few keyframes apart set what "alike" means for this sensor and place.
    limit = float(np.percentile([alike[p] for p in near], 30)) if near else 1.0
    budget = max(4, int(TRIES_PER_KEYFRAME * len(keyframes)))
    ordered = sorted(far, key=lambda p: (-alike[p], p))
    chosen = set([p for p in ordered if _same(keyframes, p) and alike[p] > limit][:budget])
    for submap in {k.submap for k in keyframes}:
        joining = [
            p for p in ordered if not _same(keyframes, p) and submap in (keyframes[p[0]].submap, keyframes[p[1]].submap)
        ]
        chosen |= set(joining[:TRIES_PER_SUBMAP])
    return sorted(chosen)


def _same(keyframes: Sequence[Keyframe], pair: tuple[int, int]) -> bool:
    return keyframes[pair[0]].submap == keyframes[pair[1]].submap


def _describe(dataset: RGBDDataset, key: Keyframe, voxel: float) -> FrameDescription | None:
    frame = load_frame(dataset, key.index)
    return None if isinstance(frame, str) else describe_frame(frame, voxel)


def _edge(keyframes: Sequence[Keyframe], described: Sequence[FrameDescription | None], i: int, j: int) -> Edge | None:
    a, b = described[i], described[j]
    if a is None or b is None:
        return None
    result = register_descriptions(b, a)
    if not result.converged:
        return None
    information = information_of_pair(result.information, result.T_target_source, keyframes[i].maps)
    return Edge(i, j, result.T_target_source, information, True)
