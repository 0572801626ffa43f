"""Reader of fragment pairs in the layout of 3DMatch's geometric registration benchmark (Zeng et al. 2017).

    PATH/SCENE/cloud_bin_N.ply             fragments
    PATH/SCENE-evaluation/gt.log, gt.info  true poses and their information; also PATH/SCENE/gt.log

3DLoMatch (Huang et al. 2021) has the same fragments and a gt.log of its own.  A folder with src.npy, ref.npy and gt.npy
is one pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from geo3d.errors import FormatError
from geo3d.io import read_points
from geo3d.registration.se3 import inverse
from geo3d.types import PointCloud

# Voxel of the benchmark's correspondences, and the error under which a pair counts as recalled (Choi et al. 2015).
REACH = 0.0375
LIMIT = 0.2


@dataclass(frozen=True, eq=False)
class FragmentPair:
    """Two fragments with the true T_target_source; consecutive ones do not count in the benchmark.

    information  [6, 6] of the true correspondences, or None
    """

    key: str
    scene: str
    source: PointCloud
    target: PointCloud
    T_target_source: NDArray[np.float64]
    information: NDArray[np.float64] | None
    consecutive: bool

    def rmse(self, T: NDArray[np.float64]) -> float:
        """Root mean square error in metres of the true correspondences at T; by `information` if there is one."""
        if self.information is not None:
            D = inverse(self.T_target_source) @ T
            x = np.concatenate([D[:3, 3], -Rotation.from_matrix(D[:3, :3]).as_quat()[:3]])
            return float(np.sqrt(max(x @ self.information @ x / self.information[0, 0], 0)))
        truth = self.source.transformed(self.T_target_source).points
        near, _ = cKDTree(self.target.points).query(truth, distance_upper_bound=REACH)
        both = np.isfinite(near)
        moved = self.source.transformed(T).points
        return float(np.sqrt(((moved - truth)[both] ** 2).sum(axis=1).mean())) if both.any() else float("inf")


def fragment_pairs(folder: Path) -> Iterator[FragmentPair]:
    """All pairs of the scenes of a folder.  Raises `FormatError` if there are none."""
    if (folder / "gt.npy").is_file():
        source, target, truth = (np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("src", "ref", "gt"))
        yield FragmentPair(folder.name, folder.name, PointCloud(source), PointCloud(target), truth, None, False)
        return
    scenes = sorted(p for p in folder.iterdir() if p.is_dir() and _log(p) is not None) if folder.is_dir() else []
    if not scenes:
        raise FormatError(f"{folder} holds no scene with cloud_bin_N.ply and gt.log (nor src.npy, ref.npy and gt.npy)")
    for scene in scenes:
        yield from _scene(scene)


def read_log(path: Path, size: int) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Square matrices of a .log (size 4) or .info (size 6) file by their pair (target, source)."""
    words = path.read_text().split()
    step = 3 + size * size
    if len(words) % step:
        raise FormatError(f"{path}: expected blocks of three numbers and a {size} x {size} matrix")
    try:
        blocks = np.array(words, dtype=np.float64).reshape(-1, step)
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from None
    return {(int(b[0]), int(b[1])): b[3:].reshape(size, size) for b in blocks}


def _log(scene: Path) -> Path | None:
    for path in (scene.with_name(f"{scene.name}-evaluation") / "gt.log", scene / "gt.log"):
        if path.is_file() and any(scene.glob("cloud_bin_*.ply")):
            return path
    return None


def _scene(scene: Path) -> Iterator[FragmentPair]:
    log = _log(scene)
    if log is None:
        return
    info = log.with_suffix(".info")
    information = read_log(info, 6) if info.is_file() else {}
    clouds: dict[int, PointCloud] = {}

    def cloud(k: int) -> PointCloud:
        if k not in clouds:
            clouds[k] = read_points(scene / f"cloud_bin_{k}.ply")
        return clouds[k]

    for (i, j), T in read_log(log, 4).items():
        key = f"{scene.name} {i} {j}"
        yield FragmentPair(key, scene.name, cloud(j), cloud(i), T, information.get((i, j)), j - i == 1)
