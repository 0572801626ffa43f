"""Published registration methods behind one signature: `(pair, init, seed) -> T` between the centred clouds.

`init` is None where the caller has no guess; global methods ignore it, local ones start from the identity of the
clouds' own frames.  None of them says whether it is right: `geo3d.registration.register` checks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.classical.colored_icp import colored_icp
from geo3d.registration.classical.fgr import fgr
from geo3d.registration.classical.gicp import gicp
from geo3d.registration.classical.icp import icp
from geo3d.registration.classical.kiss import kiss_matcher
from geo3d.registration.classical.ransac import ransac
from geo3d.registration.prepare import CloudPair

ClassicalMethod = Callable[[CloudPair, NDArray[np.float64] | None, int], NDArray[np.float64]]

CLASSICAL: dict[str, ClassicalMethod] = {
    "ransac": ransac,
    "fgr": fgr,
    "icp": icp,
    "colored-icp": colored_icp,
    "kiss-matcher": kiss_matcher,
    "gicp": gicp,
}
