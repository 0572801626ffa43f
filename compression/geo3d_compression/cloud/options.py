"""What a user can ask of the cloud codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo3d.errors import Geo3DError

Profile = Literal["fast", "best"]
Duplicates = Literal["keep", "merge"]
Geometry = Literal["auto", "exact", "lossy"]


@dataclass(frozen=True)
class CloudOptions:
    """Options of `encode_cloud`.

    profile     fast: speed first; best: size first
    grid        cell of the grid in the unit of the coordinates (metres); integers with 1 are exact
    bits        instead of `grid`: the longest side gets 2^bits cells
    quality     0 ... 100 for lossy colours (about 90 looks the same, 50 is small) and lossy dense geometry; None keeps
                both exactly (the geometry on its grid)
    geometry    exact: every occupied cell of the grid; lossy: coarser cells by `quality`, from which the decoder
                predicts the surface.  auto: lossy where there is a quality and the cloud is dense, unless its colours
                are what the quality can be for, `grid` or `bits` being given
    lossless    keep the exact bits of float coordinates
    duplicates  several points in one voxel: keep them all, or merge them into one (mean colour, first of the rest)
    keep_order  the decoded points come in the input's order (else along the Morton curve)
    threads     tiles coded at the same time
    """

    profile: Profile = "fast"
    grid: float | None = None
    bits: int | None = None
    lossless: bool = False
    quality: float | None = None
    duplicates: Duplicates = "keep"
    keep_order: bool = False
    threads: int = 2
    geometry: Geometry = "auto"

    def __post_init__(self) -> None:
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise Geo3DError(f"--quality must be 0 to 100, got {self.quality}")
        if self.quality is not None and self.lossless:
            raise Geo3DError("give --lossless or --quality, not both")
        if self.geometry == "lossy" and self.quality is None:
            raise Geo3DError("--geometry lossy needs --quality, 0 to 100")
        if self.geometry == "lossy" and self.keep_order:
            raise Geo3DError("--keep-order needs exact geometry: predicted points have no place in the input's order")
        if self.keep_order and self.duplicates == "merge":
            raise Geo3DError("--keep-order needs --duplicates keep: merged points have no place in the input's order")
        if self.lossless and self.duplicates == "merge":
            raise Geo3DError("--lossless keeps every point; --duplicates merge contradicts it")

    def may_lose_geometry(self, colored: bool) -> bool:
        """Whether a dense cloud is coded with lossy geometry."""
        if self.quality is None or self.keep_order or self.geometry == "exact":
            return False
        return self.geometry == "lossy" or not (colored and (self.grid is not None or self.bits is not None))
