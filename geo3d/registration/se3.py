"""Rigid transforms as 4x4 matrices: inverse, exponential, logarithm, adjoint.

Perturbations are (omega, v): rotation vector and translation, applied on the left unless said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Transform = NDArray[np.float64]


def inverse(T_a_b: Transform) -> Transform:
    """T_b_a by transposition, which stays a rotation exactly."""
    T = np.eye(4)
    R = T_a_b[:3, :3].T
    T[:3, :3] = R
    T[:3, 3] = -R @ T_a_b[:3, 3]
    return T


def exp_se3(xi: NDArray[np.float64]) -> Transform:
    """[4, 4] of (omega, v): exact rotation, and v as the translation (the retraction that `log_se3` inverts)."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(xi[:3]).as_matrix()
    T[:3, 3] = xi[3:]
    return T


def log_se3(T: Transform) -> NDArray[np.float64]:
    """Inverse of `exp_se3` [6]."""
    return np.concatenate([Rotation.from_matrix(T[:3, :3]).as_rotvec(), T[:3, 3]])


def adjoint(T_a_b: Transform) -> NDArray[np.float64]:
    """[6, 6] that takes a left perturbation in frame b to frame a."""
    R, t = T_a_b[:3, :3], T_a_b[:3, 3]
    A = np.zeros((6, 6))
    A[:3, :3] = A[3:, 3:] = R
    A[3:, :3] = np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]]) @ R
    return A


def angle(T: Transform) -> float:
    """Rotation angle, radians."""
    return float(np.linalg.norm(Rotation.from_matrix(T[:3, :3]).as_rotvec()))
