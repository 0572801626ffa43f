"""SIFT features (Lowe 2004) of the colour image, lifted to 3-D by the depth under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.types import RGBDFrame

MAX_FEATURES = 1500
MAX_WIDTH = 960


@dataclass(frozen=True, eq=False)
class LiftedFeatures:
    """points [N, 3] float64 camera coordinates; descriptors [N, 128] float32 RootSIFT, unit length."""

    points: NDArray[np.float64]
    descriptors: NDArray[np.float32]


NONE = LiftedFeatures(np.zeros((0, 3)), np.zeros((0, 128), np.float32))


def lift_features(frame: RGBDFrame) -> LiftedFeatures:
    """Features of a frame without lens distortion; none without colour or without OpenCV (the extra `opencv`)."""
    if frame.color is None:
        return NONE
    try:
        import cv2
    except ImportError:
        return NONE
    grey = cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY)
    if grey.shape[1] > MAX_WIDTH:
        scale = MAX_WIDTH / grey.shape[1]
        grey = cv2.resize(grey, (MAX_WIDTH, round(grey.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    keypoints, descriptors = cv2.SIFT_create(MAX_FEATURES, contrastThreshold=0.02).detectAndCompute(grey, None)
    if descriptors is None or not len(keypoints):
        return NONE
    pixels = np.array([k.pt for k in keypoints])
    h, w = frame.depth.shape
    u = (pixels[:, 0] + 0.5) * w / grey.shape[1] - 0.5
    v = (pixels[:, 1] + 0.5) * h / grey.shape[0] - 0.5
    depth = _depth_at(frame.depth, u, v) / frame.depth_scale
    ok = depth > 0
    camera = frame.camera
    points = np.stack([(u - camera.cx) / camera.fx * depth, (v - camera.cy) / camera.fy * depth, depth], axis=1)[ok]
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return LiftedFeatures(points, root[ok])


def _depth_at(depth: NDArray[np.uint16], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest measured depth in a 5x5 window, the smallest there: features at an edge belong to the near side."""
    h, w = depth.shape
    ui, vi = np.rint(u).astype(int), np.rint(v).astype(int)
    best = np.full(len(u), np.inf)
    for dv in (-2, -1, 0, 1, 2):
        for du in (-2, -1, 0, 1, 2):
            d = depth[np.clip(vi + dv, 0, h - 1), np.clip(ui + du, 0, w - 1)].astype(np.float64)
            best = np.where(d > 0, np.minimum(best, d), best)
    return np.where(np.isfinite(best), best, 0.0)
