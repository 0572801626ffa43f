"""An RGB-D folder, whatever its layout: cameras, frame names, times, poses; pictures are loaded one frame at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.rgbd.images import color_in_camera, read_color, read_depth
from geo3d.types import PinholeCamera, RGBDFrame


@dataclass(frozen=True, eq=False)
class RGBDDataset:
    """Frames of one RGB-D folder, in order of time.

    name            the format's name
    folder          where it lies
    camera          intrinsics of the depth pictures
    depth_scale     steps per metre
    names           the frames' names, unique
    timestamps      [N] seconds; the frame's number where the format gives no time
    T_world_camera  camera-to-world poses, OpenCV axes; None where the format gives none or a broken one
    depth_paths     one a frame
    color_paths     one a frame, None where there is no colour
    color_camera    intrinsics of the colour pictures where they differ from `camera` by more than resolution
    cameras         intrinsics of single frames (by index) where they differ from `camera`
    no_depth        depth values that mean "none" beside 0
    pose_errors     frame index -> what is wrong with the pose that the folder gives for it
    """

    name: str
    folder: Path
    camera: PinholeCamera
    depth_scale: float
    names: list[str]
    timestamps: NDArray[np.float64]
    T_world_camera: list[NDArray[np.float64] | None]
    depth_paths: list[Path]
    color_paths: list[Path | None]
    color_camera: PinholeCamera | None = None
    cameras: Mapping[int, PinholeCamera] = field(default_factory=dict)
    no_depth: tuple[int, ...] = ()
    pose_errors: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.names)
        lengths = [len(x) for x in (self.timestamps, self.T_world_camera, self.depth_paths, self.color_paths)]
        if lengths != [n] * 4:
            raise FormatError(f"{self.folder}: {n} names but {lengths} times, poses, depth and colour pictures")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[RGBDFrame]:
        return (self.load(i) for i in range(len(self)))

    def __repr__(self) -> str:
        posed = sum(T is not None for T in self.T_world_camera)
        return f"RGBDDataset({self.name}, {self.folder}, {len(self)} frames, {posed} with poses)"

    def depth_path(self, i: int) -> Path:
        return self.depth_paths[i]

    def color_path(self, i: int) -> Path | None:
        return self.color_paths[i]

    def load(self, i: int) -> RGBDFrame:
        """Read frame `i`.  `FormatError` names the frame and says what is wrong with it.

        Colour keeps its own resolution; where it was taken with other intrinsics it is resampled to
        agree with `camera`.
        """
        camera = self.cameras.get(i, self.camera)
        try:
            if i in self.pose_errors:
                raise FormatError(self.pose_errors[i])
            depth = read_depth(self.depth_paths[i], (camera.width, camera.height), self.depth_scale)
            for value in self.no_depth:
                depth[depth == value] = 0
            if not depth.any():
                raise FormatError(f"{self.depth_paths[i].name} has no depth at all")
            path = self.color_paths[i]
            color = None if path is None else read_color(path)
            if color is not None and self.color_camera is not None:
                color = color_in_camera(color, self.color_camera, camera)
        except FormatError as error:
            raise FormatError(f"frame {self.names[i]}: {error}") from None
        return RGBDFrame(
            depth, camera, self.depth_scale, color, self.T_world_camera[i], float(self.timestamps[i]), self.names[i]
        )

    def index(self, name_or_number: str | int) -> int:
        """Return the position of a frame given by its name or by its number in the folder (0 is the first).

        A name that is a number, as `00012`, wins over a position; negative numbers count from the end.
        """
        text = str(name_or_number)
        if isinstance(name_or_number, str) and text in self.names:
            return self.names.index(text)
        try:
            number = int(text)
        except ValueError:
            known = ", ".join(self.names[:3])
            raise FormatError(
                f"{self.folder} has no frame '{text}' (names: {known}, ...; or 0 to {len(self) - 1})"
            ) from None
        if not -len(self) <= number < len(self):
            raise FormatError(f"{self.folder} has no frame {number}: it has {len(self)} frames, 0 to {len(self) - 1}")
        return number % len(self)


class RGBDFormat(Protocol):
    """A folder layout.

    name       for people and for `RGBDDataset.name`
    looks_for  what must be in the folder, in words
    """

    @property
    def name(self) -> str: ...

    @property
    def looks_for(self) -> str: ...

    def detect(self, folder: Path) -> bool:
        """Tell from file names alone whether `folder` has this layout."""
        ...

    def open(self, folder: Path) -> RGBDDataset:
        """Read cameras, names and poses; pictures stay on disk."""
        ...
