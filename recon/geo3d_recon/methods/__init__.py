"""Ways to make a surface, one a module; `METHODS` names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from geo3d.types import TriangleMesh
from geo3d_recon.methods.alpha import alpha_shape
from geo3d_recon.methods.ball_pivoting import ball_pivoting
from geo3d_recon.methods.learned import learned
from geo3d_recon.methods.poisson import poisson, wnnc_poisson
from geo3d_recon.methods.sheet import sheet
from geo3d_recon.samples import Samples

Method = Literal["learned", "wnnc", "poisson", "ball_pivoting", "alpha", "sheet"]

# Each takes samples in the unit box and gives a mesh there, open or closed as the method has it.
METHODS: dict[str, Callable[[Samples], TriangleMesh]] = {
    "learned": learned,
    "wnnc": wnnc_poisson,
    "poisson": poisson,
    "ball_pivoting": ball_pivoting,
    "alpha": alpha_shape,
    "sheet": sheet,
}
