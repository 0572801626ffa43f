"""The sets of pairs that registration is measured on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from geo3d.registration.prepare import CloudPair, prepare_pair
from geo3d.registration.register import as_cloud
from geo3d.registration.training.pairs import FramePair, folder_pairs, read_images, synthetic_pairs
from geo3d.synthetic import UNSEEN_SENSORS
from geo3d.types import PointCloud, RGBDFrame

PER_BIN = 40
SEED = 7
FOLDERS = ("redkitchen_kinect", "box_desk")
# Rooms that nothing was trained on; every sensor of `geo3d.synthetic` takes its turn.
HELD_OUT_ROOMS = range(9000, 9022)
ROOM_PAIRS = 2
# Other rooms, through sensors of another kind; three to a turn.
UNSEEN_ROOMS = range(9100, 9112)
TEXTURES = ("vid", "images_free")


@dataclass(frozen=True, eq=False)
class Case:
    """One pair of one set: two frames or two clouds, the true T_target_source, their overlap (0: none).

    origin  [3] where the source's camera stands in its coordinates: errors of translation are measured there
    again   the same pair was there with colour: methods that use none would do the same again
    """

    key: str
    where: str
    source: RGBDFrame | PointCloud
    target: RGBDFrame | PointCloud
    T_target_source: NDArray[np.float64]
    overlap: float
    origin: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    again: bool = False

    @property
    def clouds(self) -> CloudPair:
        """The pair as the methods for clouds take it; made once for all of them."""
        return self._prepared[0]

    @property
    def preparation_s(self) -> float:
        """CPU seconds that this took."""
        return self._prepared[1]

    @cached_property
    def _prepared(self) -> tuple[CloudPair, float]:
        cpu = time.process_time()
        clouds = prepare_pair(as_cloud(self.source), as_cloud(self.target))
        return clouds, time.process_time() - cpu


def cases(data: Path | None) -> Iterator[Case]:
    """All sets: folders of RGB-D frames, synthetic rooms, the first folder's frames as clouds in any pose, and sensors
    that nothing was tuned on, as frames and clouds with and without colour."""
    folders = [data / "reg" / name for name in FOLDERS if (data / "reg" / name).is_dir()] if data is not None else []
    first: list[Case] = []
    for folder in folders:
        found = _mixed(_numbered(folder.name, folder_pairs(folder, PER_BIN, SEED)))
        first = first or found
        yield from found
    yield from _numbered("synthetic rooms", synthetic_pairs(HELD_OUT_ROOMS, ROOM_PAIRS))
    yield from map(_turned, first)
    yield from unseen_sensors(data)


def textures(data: Path | None) -> Sequence[NDArray[np.uint8]]:
    """Pictures of the data folder for the surfaces of rooms; none: procedural surfaces alone."""
    folder = data.joinpath(*TEXTURES) if data is not None else None
    return read_images(folder) if folder is not None and folder.is_dir() else ()


def unseen_sensors(data: Path | None) -> Iterator[Case]:
    """Rooms and sensors that nothing was tuned on: frames and clouds in any pose, each with and without colour."""
    pairs = synthetic_pairs(UNSEEN_ROOMS, ROOM_PAIRS, images=textures(data), sensors=tuple(UNSEEN_SENSORS.values()))
    found = _mixed(_numbered("unseen sensors", pairs))
    plain = [_plain(case) for case in found]
    for one, other in zip(found, plain, strict=True):
        yield from (one, other, _turned(one), _turned(other))


def _numbered(where: str, pairs: Iterator[FramePair]) -> Iterator[Case]:
    for number, p in enumerate(pairs):
        yield Case(f"{where} {number}", where, p.source, p.target, p.T_target_source, p.overlap)


def _mixed(found: Iterable[Case]) -> list[Case]:
    """The bins of overlap in turn, so that what is measured first stands for all."""
    bins: dict[int, list[Case]] = {}
    for case in found:
        bins.setdefault(int(np.searchsorted([0.05, 0.3, 0.5], case.overlap, side="right")), []).append(case)
    return [case for row in zip_longest(*(bins[k] for k in sorted(bins))) for case in row if case is not None]


def _plain(case: Case) -> Case:
    source, target = (replace(x, color=None) if isinstance(x, RGBDFrame) else x for x in (case.source, case.target))
    return replace(
        case,
        key=f"{case.key} without colour",
        where=f"{case.where}, no colour",
        source=source,
        target=target,
        again=True,
    )


def _turned(case: Case) -> Case:
    """The frames as clouds without normals or viewpoint, the source moved by a random rigid motion."""
    rng = np.random.default_rng(list(case.key.encode()))
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
    T[:3, 3] = rng.normal(size=3) * 3
    source, target = (as_cloud(x) for x in (case.source, case.target))
    return Case(
        f"turned {case.key}",
        f"{case.where}, turned clouds",
        PointCloud(source.points, source.colors).transformed(T),
        PointCloud(target.points, target.colors),
        case.T_target_source @ np.linalg.inv(T),
        case.overlap,
        T[:3, 3],
        case.again,
    )
