"""What a registration answers, refusals included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import as_transform


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """A pose, how sure it is, and why it was refused if it was.

    T_target_source  [4, 4] maps points in the source's frame to the target's frame; the best guess even if refused
    converged        True if the pose can be used; False is a refusal, and `reason` says why
    probability      of the pose being right (within 5 degrees and 10 cm, or 2 % of a scale-free cloud's extent)
    fitness          share of the smaller side's visible points that lie on the other side
    rmse             root mean square distance of those points, metres
    reason           one sentence; empty if converged and nothing is worth saying
    information      [6, 6] Gauss-Newton information of (rotation, translation) in the target's frame at the pose
    seconds          wall time of the work, without loading
    method           what produced the pose
    degenerate       names of directions that the data do not fix ("along x", "about z", ...)
    notes            things that were noticed on the way (dropped NaN points, suspicious units)
    """

    T_target_source: NDArray[np.float64]
    converged: bool
    probability: float
    fitness: float
    rmse: float
    reason: str
    information: NDArray[np.float64]
    seconds: float
    method: str = ""
    degenerate: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "T_target_source", as_transform(self.T_target_source, "T_target_source"))
        if np.shape(self.information) != (6, 6):
            raise ShapeError(f"information must be [6, 6], got {list(np.shape(self.information))}")
        if not 0 <= self.probability <= 1:
            raise ShapeError(f"probability must be between 0 and 1, got {self.probability}")

    def to_dict(self) -> dict[str, Any]:
        """The result as the JSON object that `geo3d register` prints."""
        return {
            "T_target_source": self.T_target_source.tolist(),
            "converged": bool(self.converged),
            "probability": float(self.probability),
            "fitness": float(self.fitness),
            "rmse": float(self.rmse),
            "reason": self.reason,
            "seconds": float(self.seconds),
            "method": self.method,
            "degenerate": list(self.degenerate),
            "notes": list(self.notes),
            "information": np.asarray(self.information).tolist(),
        }
