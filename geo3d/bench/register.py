"""`geo3d bench register`: recall, refusal and time of our registration beside its peers, on the same pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row, Suite
from geo3d.errors import Geo3DError
from geo3d.registration.classical import CLASSICAL
from geo3d.registration.frames.lifted import lift_features
from geo3d.registration.match import mutual_matches
from geo3d.registration.prepare import prepare_pair
from geo3d.registration.register import as_cloud, register_frames
from geo3d.registration.sc2 import sc2_poses
from geo3d.registration.se3 import angle, inverse
from geo3d.registration.training.pairs import FramePair, folder_pairs, synthetic_pairs

PER_BIN = 40
HELD_OUT_ROOMS = range(9000, 9020)
ROOM_PAIRS = 2

# An answer: T_target_source, and whether the method stands by it.  Peers cannot refuse.
Answer = tuple[NDArray[np.float64], bool]
Method = Callable[[FramePair], Answer]


def ours(pair: FramePair) -> Answer:
    """`geo3d.register` on the two frames."""
    result = register_frames(pair.source, pair.target)
    return result.T_target_source, result.converged


def lifted_sift(pair: FramePair) -> Answer:
    """SIFT lifted to 3-D, ratio test, the largest compatible group, then ICP like the other peers."""
    a, b = lift_features(pair.source), lift_features(pair.target)
    matches, score = mutual_matches(a.descriptors, b.descriptors)
    matches = matches[score > -0.85]
    poses, _ = sc2_poses(a.points[matches[:, 0]], b.points[matches[:, 1]], 0.05, seeds=10)
    T = poses[0] if len(poses) else np.eye(4)
    clouds = prepare_pair(as_cloud(pair.source), as_cloud(pair.target))
    return clouds.uncentered(CLASSICAL["icp"](clouds, T, 0)), True


def classical(name: str) -> Method:
    """A published method on the frames' clouds."""

    def run(pair: FramePair) -> Answer:
        clouds = prepare_pair(as_cloud(pair.source), as_cloud(pair.target))
        return clouds.uncentered(CLASSICAL[name](clouds, None, 0)), True

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


def rows(data: Path | None) -> Iterator[Row]:
    """One row a method and pair."""
    yield from measure(_pairs(data), METHODS)


def measure(pairs: Iterator[tuple[str, FramePair]], methods: dict[str, Method]) -> Iterator[Row]:
    """Run every method on every pair."""
    for number, (where, pair) in enumerate(pairs):
        for name, method in methods.items():
            cpu = time.process_time()
            try:
                T, accepted = method(pair)
            except Geo3DError as error:
                yield {"pair": number, "set": where, "method": name, "overlap": pair.overlap, "error": str(error)}
                continue
            D = inverse(pair.T_target_source) @ T
            yield {
                "pair": number,
                "set": where,
                "method": name,
                "overlap": pair.overlap,
                "degrees": float(np.rad2deg(angle(D))),
                "metres": float(np.linalg.norm(D[:3, 3])),
                "accepted": bool(accepted),
                "cpu_s": time.process_time() - cpu,
            }


def _pairs(data: Path | None) -> Iterator[tuple[str, FramePair]]:
    if data is not None:
        for name in ("redkitchen_kinect", "box_desk"):
            if (data / "reg" / name).is_dir():
                for pair in folder_pairs(data / "reg" / name, PER_BIN, seed=7):
                    yield name, pair
    for pair in synthetic_pairs(HELD_OUT_ROOMS, ROOM_PAIRS):
        yield "synthetic rooms", pair


def summary(measured: list[Row]) -> list[Row]:
    """A row a set and method: strict and loose recall of accepted answers by overlap, and gross errors."""
    result = []
    for where in dict.fromkeys(r["set"] for r in measured):
        for name in dict.fromkeys(r["method"] for r in measured):
            mine = [r for r in measured if r["set"] == where and r["method"] == name]
            done = [r for r in mine if "degrees" in r]
            row: Row = {"set": where, "method": name, "pairs": len(mine)}
            for label, low, high in (("low", 0.1, 0.3), ("mid", 0.3, 0.5), ("high", 0.5, 0.9)):
                bin_ = [r for r in mine if low <= r["overlap"] < high]
                if bin_:
                    row[f"strict_{label}"] = 100 * sum(_right(r, 5, 0.10) for r in bin_) / len(bin_)
                    row[f"loose_{label}"] = 100 * sum(_right(r, 10, 0.30) for r in bin_) / len(bin_)
            wrong = sum(r["accepted"] and (r["overlap"] == 0 or not _right(r, 10, 0.30)) for r in done)
            row["gross_%"] = 100 * wrong / max(len(mine), 1)
            row["cpu_s"] = float(np.median([r["cpu_s"] for r in done])) if done else None
            result.append(row)
    return result


def _right(row: Row, degrees: float, metres: float) -> bool:
    return bool(row.get("accepted") and row["degrees"] < degrees and row["metres"] < metres)


SUITE: Suite = {
    "description": "RGB-D pairs: recall of accepted answers by overlap, gross errors, CPU seconds, against the peers",
    "columns": [
        "set", "method", "pairs", "strict_low", "strict_mid", "strict_high", "loose_low", "loose_mid", "loose_high",
        "gross_%", "cpu_s",
    ],
    "rows": rows,
    "summary": summary,
}  # fmt: skip
