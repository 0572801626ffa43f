"""The viewer's camera: where it stands, what it looks at, which way is up."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class ViewCamera:
    """A perspective view.

    position  [3] the eye, metres, world frame
    target    [3] the point in the middle of the picture
    up        [3] a direction that points up in the picture
    fov       vertical field of view, degrees
    """

    position: Vector
    target: Vector
    up: Vector = (0.0, 0.0, 1.0)
    fov: float = 40.0

    def __post_init__(self) -> None:
        for name in ("position", "target", "up"):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape != (3,) or not np.isfinite(value).all():
                raise ShapeError(f"camera {name} must be three finite numbers, got {getattr(self, name)!r}")
            object.__setattr__(self, name, tuple(float(v) for v in value))
        if not 1 <= self.fov <= 150:
            raise ShapeError(f"camera fov must be 1 to 150 degrees, got {self.fov}")
        if np.linalg.norm(np.subtract(self.target, self.position)) == 0:
            raise ShapeError("camera position and target are the same point; move one of them")
        if np.linalg.norm(self.up) == 0:
            raise ShapeError("camera up must not be the zero vector")

    @property
    def T_world_camera(self) -> NDArray[np.float64]:
        """[4, 4] pose, OpenCV axes (x right, y down, z forward)."""
        z = np.subtract(self.target, self.position)
        z = z / np.linalg.norm(z)
        x = np.cross(z, self.up)
        if np.linalg.norm(x) < 1e-9 * np.linalg.norm(self.up):
            # Looking straight up or down: any direction across the view will do as up.
            x = np.cross(z, np.eye(3)[np.argmin(np.abs(z))])
        x = x / np.linalg.norm(x)
        T = np.eye(4)
        T[:3, 0], T[:3, 1], T[:3, 2], T[:3, 3] = x, np.cross(z, x), z, self.position
        return T

    def focal(self, height: int) -> float:
        """Focal length in pixels of a picture of this height."""
        return 0.5 * height / math.tan(math.radians(self.fov) / 2)

    def orbited(self, azimuth: float) -> ViewCamera:
        """Return the camera turned about the vertical through its target by `azimuth` radians."""
        from scipy.spatial.transform import Rotation

        axis = np.asarray(self.up) / np.linalg.norm(self.up)
        arm = Rotation.from_rotvec(axis * azimuth).apply(np.subtract(self.position, self.target))
        return ViewCamera(_vector(np.add(self.target, arm)), self.target, self.up, self.fov)

    def to_json(self) -> str:
        """JSON text that `from_json` reads and `geo3d view --camera` takes."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> ViewCamera:
        """Read a camera from JSON text, or from the JSON file at that path."""
        try:
            if not text.lstrip().startswith("{"):
                text = Path(text).read_text(encoding="utf-8")
            data: Any = json.loads(text)
        except (OSError, ValueError) as error:
            raise FormatError(f"the camera is neither 'auto', nor JSON, nor a JSON file: {error}") from error
        known = [f.name for f in fields(ViewCamera)]
        if not isinstance(data, dict) or not {"position", "target"} <= set(data) <= set(known):
            got = sorted(data) if isinstance(data, dict) else type(data).__name__
            raise FormatError(
                f"a camera is a JSON object with the keys {', '.join(known)} (the last two optional), got {got}"
            )
        try:
            return ViewCamera(**data)
        except (TypeError, ValueError) as error:
            raise FormatError(f"bad camera: {error}") from error


def _vector(v: NDArray[np.float64]) -> Vector:
    return float(v[0]), float(v[1]), float(v[2])


def looking_along(
    points: NDArray[np.float64],  # [N, 3]
    direction: NDArray[np.float64],  # [3]
    up: NDArray[np.float64],  # [3]
    aspect: float,
    fov: float = 40.0,
    margin: float = 0.06,
) -> ViewCamera:
    """Return the nearest camera with this viewing direction whose picture holds every point.

    Each side of the frustum is pushed against the points, which fixes the eye in closed form.  `aspect` is
    width / height, `margin` the free border as a fraction of the picture.
    """
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    axes = ViewCamera(_vector(centre - direction), _vector(centre), _vector(up), fov).T_world_camera[:3, :3]
    p = (points - centre) @ axes
    slope_y = math.tan(math.radians(fov) / 2) * (1 - 2 * margin)
    eye = np.zeros(3)
    depths = []
    for axis, slope in ((0, slope_y * aspect), (1, slope_y)):
        high, low = (p[:, axis] - slope * p[:, 2]).max(), (-p[:, axis] - slope * p[:, 2]).max()
        eye[axis] = (high - low) / 2
        depths.append(-(high + low) / (2 * slope))
    size = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))) or 1.0
    # A single point (or a line along the view) has no size on screen; stand back by a sensible distance.
    eye[2] = min(min(depths), p[:, 2].min() - 0.05 * size)
    target = eye.copy()
    target[2] = p[:, 2].mean()
    return ViewCamera(_vector(axes @ eye + centre), _vector(axes @ target + centre), _vector(up), fov)
