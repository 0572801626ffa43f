"""What the person at the command line can choose about a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo3d.errors import Geo3DError

PoseSource = Literal["estimate", "given"]
# How the files of the posed frames go into scan.g3c: not at all, as they are, or coded (always exactly).
Packing = Literal["none", "stored", "fast", "best"]


@dataclass(frozen=True)
class ScanOptions:
    """None means: derive it from the data.

    poses      estimate them from the images, or take the folder's
    voxel      edge of a fused voxel, metres
    max_depth  depths beyond are not fused, metres
    max_frames stop after so many frames
    """

    poses: PoseSource = "estimate"
    voxel: float | None = None
    max_depth: float | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        for name in ("voxel", "max_depth", "max_frames"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise Geo3DError(f"--{name.replace('_', '-')} must be positive, got {value}")


@dataclass(frozen=True)
class ProductOptions:
    """What the person at the command line can choose about what is made of a finished scan."""

    pack: Packing = "fast"
