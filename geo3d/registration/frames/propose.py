"""Hypotheses for the pose of two frames, from several kinds of matches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.describe import FrameDescription
from geo3d.registration.learned.descriptor import soft_matches
from geo3d.registration.match import mutual_matches
from geo3d.registration.sc2 import sc2_poses

LIFTED_RATIO = 0.97
TOLERANCES = (1.0, 2.0)  # voxels

# Matched points of the source and of the target, [N, 3] each, and their scores.
Matches = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def color_shape_matches(a: FrameDescription, b: FrameDescription) -> Matches:
    """FPFH with colour statistics, mutual among the two nearest."""
    return _descriptor_matches(a, b, np.hstack([a.shape, a.color]), np.hstack([b.shape, b.color]))


def shape_matches(a: FrameDescription, b: FrameDescription) -> Matches:
    """FPFH alone, which light and white balance cannot change."""
    return _descriptor_matches(a, b, a.shape, b.shape)


def lifted_matches(a: FrameDescription, b: FrameDescription) -> Matches:
    """SIFT by the ratio test, generous because groups are checked later."""
    pairs, score = mutual_matches(a.lifted.descriptors, b.lifted.descriptors)
    keep = score > -LIFTED_RATIO
    pairs, score = pairs[keep], score[keep]
    return a.lifted.points[pairs[:, 0]], b.lifted.points[pairs[:, 1]], score


def learned_matches(a: FrameDescription, b: FrameDescription) -> Matches:
    """The trained descriptor, best of either side, by confidence."""
    pairs, score = soft_matches(a.learned, b.learned)
    return a.points[pairs[:, 0]], b.points[pairs[:, 1]], score


SOURCES: dict[str, Callable[[FrameDescription, FrameDescription], Matches]] = {
    "color-shape": color_shape_matches,
    "shape": shape_matches,
    "lifted": lifted_matches,
    "learned": learned_matches,
}


def matches_of(
    a: FrameDescription, b: FrameDescription, sources: tuple[str, ...] = tuple(SOURCES)
) -> dict[str, Matches]:
    """Matches by the name of their source; sources that the frames have nothing for are left out."""
    colored = a.maps.colored and b.maps.colored
    return {name: SOURCES[name](a, b) for name in sources if colored or name != "color-shape"}


def propose(matches: dict[str, Matches], voxel: float) -> tuple[NDArray[np.float64], list[str]]:
    """[H, 4, 4] hypotheses of T_b_a and the name of each one's source.

    Parameters
    ----------
    voxel : edge of the feature grid, metres.
    """
    poses: list[NDArray[np.float64]] = []
    names: list[str] = []
    for name, (s, t, score) in matches.items():
        for tolerance in TOLERANCES:
            found, _ = sc2_poses(s, t, tolerance * voxel, score=score)
            poses += list(found)
            names += [name] * len(found)
    return (np.stack(poses) if poses else np.zeros((0, 4, 4))), names


def _descriptor_matches(
    a: FrameDescription, b: FrameDescription, da: NDArray[np.float32], db: NDArray[np.float32]
) -> Matches:
    pairs, score = mutual_matches(da, db, top=2)
    return a.points[pairs[:, 0]], b.points[pairs[:, 1]], score
