"""geo3d: data types, I/O, cameras, geometry operations, registration and fusion of RGB-D scans.

Importing this package is cheap; names below load what they need on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo3d.lazy import lazy_names

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
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
