"""What a scan produces; other packages turn it into further files (container, snapshot)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import PinholeCamera, PointCloud, Trajectory, TriangleMesh

# posed: has a pose and was fused; lost: could be read, but no verified pose; skipped: could not be used at all.
FrameState = Literal["posed", "lost", "skipped"]


@dataclass(frozen=True)
class FrameStatus:
    """What became of one frame: its name, state, the reason if it was not used, and its submap (-1: none)."""

    name: str
    state: FrameState
    reason: str = ""
    submap: int = -1


@dataclass(frozen=True, eq=False)
class ScanResult:
    """A finished scan.

    dataset     the RGB-D folder that was scanned (`geo3d.io.open_rgbd` opens it again)
    frames      one status a frame of the dataset, in its order
    posed       [M] int64, indices into `frames` (and into the dataset) of the frames that have a pose
    trajectory  their M camera-to-world poses; the world is the first posed frame's camera, or the given world
    camera      intrinsics of the depth images
    depth_scale depth steps per metre
    cloud       fused coloured points with normals, metres, world frame
    mesh        fused coloured triangles, world frame
    up          [3] unit vector, the scene's estimated up direction in the world frame
    seconds     wall time a stage
    """

    dataset: Path
    frames: tuple[FrameStatus, ...]
    posed: NDArray[np.int64]
    trajectory: Trajectory
    camera: PinholeCamera
    depth_scale: float
    cloud: PointCloud
    mesh: TriangleMesh
    up: NDArray[np.float64] = field(default_factory=lambda: np.array([0.0, -1.0, 0.0]))
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.posed) != len(self.trajectory):
            raise ShapeError(f"{len(self.posed)} posed frames but {len(self.trajectory)} poses")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the posed frames."""
        return tuple(self.frames[i].name for i in self.posed)
