"""Where local methods start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.prepare import CloudPair


def start(pair: CloudPair, init: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The centred form of `init`, or of the identity between the clouds' own frames."""
    return pair.centered(np.eye(4) if init is None else init)
