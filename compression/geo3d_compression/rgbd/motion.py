"""Camera geometry of a stream as plain numbers, and rotations without sines.

A rigid motion is six integers: the Cayley parameters a of the rotation (the axis times tan(angle / 2)) and the
translation.  R = ((1 - a.a) I + 2 a a^T + 2 [a]x) / (1 + a.a) needs + - * / alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROTATION_ONE = 1 << 24
TRANSLATION_ONE = 1 << 20
_LIMIT = (1 << 31) - 1


@dataclass(frozen=True)
class Motion:
    """T_a_b as integers: rotation in 2^-24, translation in 2^-20 metres."""

    rotation: tuple[int, int, int] = (0, 0, 0)
    translation: tuple[int, int, int] = (0, 0, 0)

    def matrix(self) -> NDArray[np.float64]:
        """[3, 4] rotation and translation, exact arithmetic in a fixed order."""
        x, y, z = (v / ROTATION_ONE for v in self.rotation)
        n = x * x + y * y + z * z
        d = 1.0 + n
        k = 1.0 - n
        tx, ty, tz = (v / TRANSLATION_ONE for v in self.translation)
        return np.array([
            [(k + 2.0 * x * x) / d, (2.0 * x * y - 2.0 * z) / d, (2.0 * x * z + 2.0 * y) / d, tx],
            [(2.0 * x * y + 2.0 * z) / d, (k + 2.0 * y * y) / d, (2.0 * y * z - 2.0 * x) / d, ty],
            [(2.0 * x * z - 2.0 * y) / d, (2.0 * y * z + 2.0 * x) / d, (k + 2.0 * z * z) / d, tz],
        ])  # fmt: skip

    def inverse(self) -> NDArray[np.float64]:
        """[3, 4] of T_b_a."""
        m = self.matrix()
        t = [-(m[0, k] * m[0, 3] + m[1, k] * m[1, 3] + m[2, k] * m[2, 3]) for k in range(3)]
        return np.concatenate([m[:, :3].T, np.array(t)[:, None]], axis=1)


def from_matrix(matrix: NDArray[np.float64]) -> Motion:
    """The nearest storable motion of a [3 or 4, 4] rigid matrix (encoder only); half turns become none."""
    r = matrix[:3, :3]
    d = 1.0 + np.trace(r)
    a = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]) / d if d > 1e-3 else np.zeros(3)
    scaled = np.concatenate([a * ROTATION_ONE, matrix[:3, 3] * TRANSLATION_ONE])
    if not np.isfinite(scaled).all() or np.abs(scaled).max() > _LIMIT:
        return Motion()
    v = [int(x) for x in np.rint(scaled)]
    return Motion((v[0], v[1], v[2]), (v[3], v[4], v[5]))


@dataclass(frozen=True)
class Calibration:
    """Where the colour camera stands and how it sees, as doubles that the stream stores exactly.

    depth, color       fx, fy, cx, cy in pixels of the depth and of the colour picture
    T_color_depth      rigid motion from the depth camera to the colour camera
    steps_per_metre    of the depth pictures
    far                depth in metres where none is known
    """

    depth: tuple[float, float, float, float]
    color: tuple[float, float, float, float]
    T_color_depth: Motion
    steps_per_metre: float
    far: float = 2.0
