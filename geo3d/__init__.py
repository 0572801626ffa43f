"""geo3d: data types, I/O, cameras, geometry operations, registration and fusion of RGB-D scans.

Importing this package is cheap; names below load what they need on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo3d.errors import Geo3DError as Geo3DError
    from geo3d.registration import RegistrationResult as RegistrationResult
    from geo3d.registration import register as register
    from geo3d.types import PinholeCamera as PinholeCamera
    from geo3d.types import PointCloud as PointCloud
    from geo3d.types import RGBDFrame as RGBDFrame
    from geo3d.types import Trajectory as Trajectory
    from geo3d.types import TriangleMesh as TriangleMesh

_PUBLIC = {
    "Geo3DError": "geo3d.errors",
    "RegistrationResult": "geo3d.registration",
    "register": "geo3d.registration",
    "PinholeCamera": "geo3d.types",
    "PointCloud": "geo3d.types",
    "RGBDFrame": "geo3d.types",
    "Trajectory": "geo3d.types",
    "TriangleMesh": "geo3d.types",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'geo3d' has no attribute '{name}' (public names: {', '.join(__all__)})")


def __dir__() -> list[str]:
    return __all__
