"""What is known about every frame so far; saved, so that an interrupted scan goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.io import RGBDDataset
from geo3d.io.atomic import atomic_path
from geo3d.scan.odometry import Motion, Tracked
from geo3d.scan.options import ScanOptions

VERSION = 1


@dataclass(eq=False)
class Walk:
    """The state of a scan between its stages.

    fingerprint  of the dataset and the options; a saved walk with another one is not used
    done         frames looked at so far
    tracked      those with a pose by odometry, each in its submap's world
    motion       what the odometry knew when it stopped
    problems     frame index -> why it has no pose
    optimized    index -> pose in the scan's world, once loops are closed; None before
    """

    fingerprint: str
    done: int = 0
    tracked: list[Tracked] = field(default_factory=list)
    motion: Motion = field(default_factory=Motion)
    problems: dict[int, str] = field(default_factory=dict)
    optimized: dict[int, NDArray[np.float64]] | None = None

    def save(self, path: Path) -> None:
        """Write the walk atomically as .npz."""
        optimized = self.optimized or {}
        head = {
            "version": VERSION,
            "fingerprint": self.fingerprint,
            "done": self.done,
            "problems": {str(k): v for k, v in self.problems.items()},
            "closed": self.optimized is not None,
            "misses": self.motion.misses,
            "submap": self.motion.submap,
        }
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                head=np.frombuffer(json.dumps(head).encode(), np.uint8),
                numbers=np.array(
                    [[t.index, t.keyframe, t.submap, t.is_keyframe] for t in self.tracked], np.int64
                ).reshape(-1, 4),
                poses=_stack([t.T_world_camera for t in self.tracked]),
                motion=_stack([self.motion.T_world_last, self.motion.step]),
                optimized_index=np.array(list(optimized), np.int64),
                optimized_pose=_stack(list(optimized.values())),
            )

    @staticmethod
    def load(path: Path, fingerprint: str) -> Walk | None:
        """The saved walk of the same data and options, or None (also if the file is damaged)."""
        try:
            with np.load(path, allow_pickle=False) as data:
                head = json.loads(data["head"].tobytes())
                if head["version"] != VERSION or head["fingerprint"] != fingerprint:
                    return None
                tracked = [
                    Tracked(int(n[0]), T, int(n[1]), int(n[2]), bool(n[3]))
                    for n, T in zip(data["numbers"], data["poses"], strict=True)
                ]
                optimized = {int(i): T for i, T in zip(data["optimized_index"], data["optimized_pose"], strict=True)}
                motion = Motion(data["motion"][0], data["motion"][1], head["misses"], head["submap"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile):
            return None
        problems = {int(k): v for k, v in head["problems"].items()}
        return Walk(fingerprint, head["done"], tracked, motion, problems, optimized if head["closed"] else None)


def fingerprint(dataset: RGBDDataset, options: ScanOptions) -> str:
    """Changes when a frame file, the camera or an option that matters before fusion changes."""
    digest = hashlib.sha256()
    digest.update(json.dumps([asdict(dataset.camera), dataset.depth_scale, options.poses, options.max_frames]).encode())
    for i in range(len(dataset)):
        for path in (dataset.depth_path(i), dataset.color_path(i)):
            stat = path.stat() if path is not None and path.exists() else None
            digest.update(f"{path}:{stat and stat.st_size}:{stat and stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _stack(poses: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.stack(poses) if len(poses) else np.zeros((0, 4, 4))
