"""numpy or torch: the same functions work on both, and give back the kind that came in."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from geo3d.errors import ShapeError


def is_tensor(x: Any) -> bool:
    """True for a torch tensor; never imports torch (a tensor cannot exist before torch is imported)."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def namespace(*arrays: Any) -> Any:
    """The module (numpy or torch) whose functions serve these arrays; torch if any of them is a tensor."""
    return sys.modules["torch"] if any(is_tensor(a) for a in arrays) else np


def as_array(x: Any, like: Any = None) -> Any:
    """An array or tensor; lists become numpy, and everything becomes a tensor on `like`'s device if that is one."""
    if is_tensor(like):
        torch = sys.modules["torch"]
        return x.to(like.device) if is_tensor(x) else torch.as_tensor(np.asarray(x), device=like.device)
    return x if is_tensor(x) else np.asarray(x)


def to_numpy(x: Any) -> Any:
    """The values as a numpy array, detached from any gradient."""
    return x.detach().cpu().numpy() if is_tensor(x) else np.asarray(x)


def as_float(x: Any) -> Any:
    """A floating array: float32 and float64 stay, everything else becomes float64."""
    if is_tensor(x):
        torch = sys.modules["torch"]
        return x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float64)
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype of its own kind."""
    return x.to(dtype) if is_tensor(x) else x.astype(dtype)


def check_last(x: Any, size: int, name: str) -> Any:
    """Refuse an array whose last axis is not `size` long."""
    if not getattr(x, "ndim", 0) or x.shape[-1] != size:
        raise ShapeError(f"{name} must end in an axis of {size}, got shape {list(getattr(x, 'shape', []))}")
    return x


def transform(T: Any, points: Any) -> Any:
    """Points [..., 3] under a 4x4 transform.

    Written out sum by sum, not as a matrix product: the result then does not depend on BLAS or on the number of
    points, which the codecs that warp with it rely on.
    """
    T = to_numpy(T).astype(np.float64).tolist()
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    rows = [((row[0] * x + row[1] * y) + row[2] * z) + row[3] for row in T[:3]]
    return namespace(points).stack(rows, -1)
