"""Shape checks at public boundaries: one helper a question, messages that name the argument and what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError


def as_points(x: Any, name: str = "points", *, finite: bool = True, minimum: int = 0) -> NDArray[Any]:
    """Return the [N, 3] coordinates of an array, tensor, `PointCloud`, Open3D cloud or trimesh object.

    Integer and float dtypes are kept (float16 becomes float32); anything else is refused.

    Parameters
    ----------
    x : array-like [N, 3], torch tensor, or an object with `points` or `vertices`.
    finite : refuse NaN and infinities, saying how many there are.
    minimum : the smallest number of points that makes sense to the caller.
    """
    for attribute in ("points", "vertices"):
        if hasattr(x, attribute):
            x = getattr(x, attribute)
            break
    if hasattr(x, "detach"):
        x = x.detach().cpu().numpy()
    a = np.asarray(x)
    if a.ndim != 2 or a.shape[1] != 3:
        raise ShapeError(f"{name} must be an [N, 3] array, got shape {list(a.shape)}")
    if a.dtype == np.float16:
        a = a.astype(np.float32)
    if a.dtype.kind not in "iuf":
        raise ShapeError(f"{name} must hold integers or floats, got dtype {a.dtype}")
    if len(a) < minimum:
        raise ShapeError(f"{name} must hold at least {minimum} points, got {len(a)}")
    if finite and a.dtype.kind == "f":
        bad = int((~np.isfinite(a)).any(axis=1).sum())
        if bad:
            raise ShapeError(f"{name} holds {bad} of {len(a)} points with NaN or infinite coordinates; drop them first")
    return a


def as_transform(x: Any, name: str = "T") -> NDArray[np.float64]:
    """Return a checked rigid 4x4 transform as float64."""
    T = np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x, dtype=np.float64)
    if T.shape != (4, 4) or not np.isfinite(T).all():
        raise ShapeError(f"{name} must be a finite 4x4 matrix, got shape {list(T.shape)}")
    if not np.allclose(T[3], [0, 0, 0, 1], atol=1e-6):
        raise ShapeError(f"{name} must end in the row [0, 0, 0, 1], got {T[3].tolist()}")
    R = T[:3, :3]
    if abs(np.linalg.det(R) - 1) > 1e-3 or np.abs(R @ R.T - np.eye(3)).max() > 1e-3:
        raise ShapeError(f"{name} is not a rotation and translation (determinant {np.linalg.det(R):.4f})")
    return T
