"""What a reconstruction gives."""

from __future__ import annotations

from dataclasses import dataclass

from geo3d.types import TriangleMesh


@dataclass(frozen=True, eq=False)
class ReconstructionResult:
    """A mesh and how it came about.

    mesh        in the points' unit and frame, colours carried over; its attribute `confidence` [V], 0 to 1, says how
                far samples vouch for each vertex
    method      the method that made it
    watertight  every edge has two consistently wound faces
    open_scan   surface far from every sample was cut away, because much of it was unsupported
    dropped     input points left out because they were NaN or infinite
    used        distinct points that were used
    seconds     wall-clock seconds of the work itself
    """

    mesh: TriangleMesh
    method: str
    watertight: bool
    open_scan: bool
    dropped: int
    used: int
    seconds: float
