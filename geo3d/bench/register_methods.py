"""What is measured: our registration and the published methods, behind one signature."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.register_pairs import Case
from geo3d.bench.suite import Row
from geo3d.errors import Geo3DError, RegistrationError
from geo3d.registration.classical import CLASSICAL
from geo3d.registration.frames.lifted import lift_features
from geo3d.registration.match import mutual_matches
from geo3d.registration.register import register
from geo3d.registration.sc2 import sc2_poses
from geo3d.registration.se3 import angle, inverse
from geo3d.types import RGBDFrame

# An answer: T_target_source, and whether the method stands by it.  Peers cannot refuse.
Answer = tuple[NDArray[np.float64], bool]
Method = Callable[[Case], Answer]


def ours(case: Case) -> Answer:
    """`geo3d.register` on the two sides."""
    result = register(case.source, case.target)
    return result.T_target_source, result.converged


def lifted_sift(case: Case) -> Answer:
    """SIFT lifted to 3-D, ratio test, the largest compatible group, then ICP like the other peers."""
    if not isinstance(case.source, RGBDFrame) or not isinstance(case.target, RGBDFrame):
        raise RegistrationError("image features need frames, not clouds")
    a, b = lift_features(case.source), lift_features(case.target)
    matches, score = mutual_matches(a.descriptors, b.descriptors)
    matches = matches[score > -0.85]
    poses, _ = sc2_poses(a.points[matches[:, 0]], b.points[matches[:, 1]], 0.05, seeds=10)
    T = poses[0] if len(poses) else np.eye(4)
    return case.clouds.uncentered(CLASSICAL["icp"](case.clouds, T, 0)), True


def classical(name: str) -> Method:
    """A published method on the clouds; global ones are followed by ICP."""

    def run(case: Case) -> Answer:
        return case.clouds.uncentered(CLASSICAL[name](case.clouds, None, 0)), True

    return run


METHODS: dict[str, Method] = {
    "geo3d": ours,
    "fpfh + ransac": classical("ransac"),
    "fgr": classical("fgr"),
    "icp": classical("icp"),
    "colored icp": classical("colored-icp"),
    "kiss-matcher": classical("kiss-matcher"),
    "small_gicp": classical("gicp"),
    "lifted sift": lifted_sift,
}


def measured(case: Case, name: str, method: Method) -> tuple[Row, NDArray[np.float64] | None]:
    """The row of a method on a pair, and its answer (None: it failed)."""
    row: Row = {
        "key": f"{case.key}: {name}", "pair": case.key, "set": case.where, "method": name, "overlap": case.overlap
    }  # fmt: skip
    try:
        # Made once for all peers, but each of them would have to.
        preparation = 0.0 if name == "geo3d" else case.preparation_s
        cpu, wall = time.process_time(), time.perf_counter()
        T, accepted = method(case)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    except Geo3DError as error:
        return row | {"error": str(error)}, None
    D = inverse(case.T_target_source) @ T
    row["degrees"] = float(np.rad2deg(angle(D)))
    row["metres"] = float(np.linalg.norm(D[:3, :3] @ case.origin + D[:3, 3] - case.origin))
    return row | {"accepted": bool(accepted), "cpu_s": cpu + preparation, "wall_s": wall + preparation}, T
