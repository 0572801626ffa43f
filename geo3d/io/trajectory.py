"""Trajectories as text: TUM (`timestamp tx ty tz qx qy qz qw`) and Redwood / Open3D `.log`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import write_text
from geo3d.io.files import read_bytes
from geo3d.io.text import parse_numbers
from geo3d.types import Trajectory
from geo3d.types.checks import as_transform


def read_trajectory(path: str | Path) -> Trajectory:
    """Read camera-to-world poses; `.log` files are Redwood's, all others TUM's.  Non-rigid poses are refused."""
    path = Path(path)
    try:
        return _parse_log(read_bytes(path)) if path.suffix == ".log" else _parse_tum(read_bytes(path))
    except (FormatError, ShapeError) as error:
        raise FormatError(f"{path}: {error}") from None


def write_trajectory(path: str | Path, trajectory: Trajectory) -> None:
    """Write TUM text atomically, or Redwood's `.log` by that suffix.

    Times and positions read back exactly; orientations to 1e-15.
    """
    path = Path(path)
    lines: list[str] = []
    if path.suffix == ".log":
        for i, T in enumerate(trajectory.T_world_camera):
            lines += [f"{i} {i} {i + 1}", *(" ".join(map(repr, row)) for row in T.tolist())]
    else:
        lines.append("# timestamp tx ty tz qx qy qz qw")
        quaternions = quaternions_from(trajectory.T_world_camera[:, :3, :3])
        table = np.column_stack([trajectory.timestamps, trajectory.positions, quaternions])
        lines += [" ".join(map(repr, row)) for row in table.tolist()]
    write_text(path, "\n".join(lines) + "\n")


def _parse_tum(data: bytes) -> Trajectory:
    rows = [line.split(b"#")[0].replace(b",", b" ") for line in data.splitlines()]
    rows = [row for row in rows if row.strip()]
    numbers = parse_numbers(b"\n".join(rows))
    if len(numbers) != 8 * len(rows) or any(len(row.split()) != 8 for row in rows):
        raise FormatError("a TUM trajectory has 8 numbers a line (timestamp tx ty tz qx qy qz qw)")
    table = numbers.reshape(-1, 8)
    if not np.isfinite(table).all():
        raise FormatError(f"{int((~np.isfinite(table)).any(axis=1).sum())} lines hold values that are not finite")
    T = np.tile(np.eye(4), (len(table), 1, 1))
    T[:, :3, 3] = table[:, 1:4]
    T[:, :3, :3] = rotations_from(table[:, 4:])
    return Trajectory(table[:, 0], T)


def _parse_log(data: bytes) -> Trajectory:
    numbers = parse_numbers(data)
    if len(numbers) % 19:
        raise FormatError("a Redwood log has 19 numbers a pose: three indices and a 4x4 matrix")
    table = numbers.reshape(-1, 19)
    T = (
        np.stack([as_transform(m, f"pose {i}") for i, m in enumerate(table[:, 3:].reshape(-1, 4, 4))])
        if len(table)
        else np.zeros((0, 4, 4))
    )
    return Trajectory(table[:, 0], T)


def rotations_from(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3, 3] rotations of [N, 4] quaternions x y z w; they are normalised, a zero one is a `FormatError`."""
    from scipy.spatial.transform import Rotation

    norms = np.linalg.norm(quaternions, axis=1)
    if len(norms) and not (np.abs(norms - 1) < 0.1).all():
        raise FormatError(
            f"quaternion {int(np.abs(norms - 1).argmax())} has length {norms[np.abs(norms - 1).argmax()]:.3g}, not 1"
        )
    if not len(quaternions):
        return np.zeros((0, 3, 3))
    return np.asarray(Rotation.from_quat(quaternions).as_matrix())


def quaternions_from(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 4] quaternions x y z w, w >= 0, of [N, 3, 3] rotations."""
    from scipy.spatial.transform import Rotation

    if not len(rotations):
        return np.zeros((0, 4))
    q = np.asarray(Rotation.from_matrix(rotations).as_quat())
    return np.where(q[:, 3:] < 0, -q, q)
