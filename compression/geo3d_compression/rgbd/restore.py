"""The files of a coded folder, written back: text, single files, depth, groups of colour frames.

With `view.salvage`, what cannot be had is named in `view.losses`, file by file, and the rest is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.codecs.codec import View
from geo3d_compression.container import ChunkType, Container
from geo3d_compression.entropy.byte_model import decode_bytes
from geo3d_compression.image.stored import decode_bytes_any
from geo3d_compression.rgbd.depth import decode_depths
from geo3d_compression.rgbd.folder import depth_of
from geo3d_compression.rgbd.group import decode_group
from geo3d_compression.rgbd.listing import DEPTH, GROUPED, LOSSY, OWN, PICTURED, SOLID, safe_path
from geo3d_compression.rgbd.lossy import decode_colors
from geo3d_compression.rgbd.motion import Calibration
from geo3d_compression.rgbd.picture_group import decode_picture_group

# Parts of the DATA chunks above those of the groups: the colour video, and files that are coded alone.
ALONE = 1 << 20
VIDEO = ALONE - 1


@dataclass(frozen=True)
class _Frame:
    """A colour frame of a group: its place in it, its name, and 1 + the number of its depth file (0: none)."""

    place: int
    name: str
    depth: int


@dataclass(frozen=True, eq=False)
class Restorer:
    """Writes the files of one item into the folder `work`."""

    container: Container
    item: int
    header: dict[str, Any]
    entries: Sequence[tuple[str, tuple[int, ...]]]
    no_depth: tuple[int, ...]
    calibration: Calibration
    work: Path
    view: View

    def run(self) -> None:
        """Write all files; raises `BitstreamError` at the first that is damaged, unless losses are only to be named."""
        names = {kind: [(name, place) for name, place in self.entries if place[0] == kind] for kind in range(6)}
        for name, _ in self.entries:
            (self.work / safe_path(name)).parent.mkdir(parents=True, exist_ok=True)
        self._try([n for n, _ in names[SOLID]], lambda: self._text(names[SOLID]))
        for i, (name, place) in enumerate(self.entries):
            if place[0] == OWN:
                self._try([name], partial(self._alone, i, name))
        self._try([n for n, _ in names[DEPTH]], lambda: self._depths(names[DEPTH]))
        self._try([n for n, _ in names[LOSSY]], lambda: self._video(names[LOSSY]))
        groups: dict[tuple[int, int], list[_Frame]] = {}
        for kind in (GROUPED, PICTURED):
            for name, place in names[kind]:
                groups.setdefault((kind, place[1]), []).append(_Frame(place[2], name, place[3]))
        with ThreadPoolExecutor(self.view.threads) as pool:
            list(pool.map(self._group_or_loss, groups.items()))

    def _try(self, names: Sequence[str], write: Callable[[], None]) -> None:
        try:
            write()
        except BitstreamError as error:
            if not self.view.salvage:
                raise
            self.view.losses.extend(f"{name}: {error}" for name in names)

    def _put(self, name: str, data: bytes) -> None:
        (self.work / safe_path(name)).write_bytes(data)

    def _text(self, names: Sequence[tuple[str, tuple[int, ...]]]) -> None:
        text = decode_bytes(self.container.need(self.item, ChunkType.METADATA), self.header["text length"])
        at = 0
        for name, place in names:
            self._put(name, text[at : at + place[1]])
            at += place[1]
        if at != len(text):
            raise BitstreamError("the text files of a folder do not add up")

    def _alone(self, number: int, name: str) -> None:
        chunk = self.container.need(self.item, ChunkType.DATA, ALONE + number)
        self._put(name, decode_bytes_any(chunk, self.view.threads))

    def _depths(self, names: Sequence[tuple[str, tuple[int, ...]]]) -> None:
        if not names:
            return
        places = [place[1] for _, place in names]
        if sorted(places) != list(range(len(places))):
            raise BitstreamError("the depth pictures of a folder are not numbered in order")
        coded = self.container.need(self.item, ChunkType.METADATA, 0, 1)
        shells = decode_bytes(coded, self.header["shells length"])
        geometry = self.container.need(self.item, ChunkType.GEOMETRY)
        pictures = decode_depths(geometry, shells, len(names), self.view.threads)
        for (name, _), place in zip(names, places, strict=True):
            self._put(name, pictures[place])

    def _video(self, names: Sequence[tuple[str, tuple[int, ...]]]) -> None:
        if not names:
            return
        ordered = {place[1]: name for name, place in names}
        if sorted(ordered) != list(range(len(names))):
            raise BitstreamError("the lossy colour frames of a folder are not numbered in order")
        video = self.container.need(self.item, ChunkType.DATA, VIDEO)
        for name, data in decode_colors(video, [ordered[k] for k in range(len(ordered))]):
            self._put(name, data)

    def _depth(self, number: int) -> NDArray[np.uint16] | None:
        if number == 0:
            return None
        if number > len(self.entries) or self.entries[number - 1][1][0] not in (OWN, DEPTH):
            raise BitstreamError("a colour frame names a depth picture that is not there")
        path = self.work / safe_path(self.entries[number - 1][0])
        if not path.is_file():
            raise BitstreamError(f"its depth picture {path.name} is lost")
        return depth_of(path.read_bytes(), self.no_depth)

    def _group_or_loss(self, group: tuple[tuple[int, int], list[_Frame]]) -> None:
        self._try([f.name for f in group[1]], lambda: self._group(*group))

    def _group(self, key: tuple[int, int], frames: list[_Frame]) -> None:
        kind, number = key
        frames = sorted(frames, key=lambda f: f.place)
        if [f.place for f in frames] != list(range(len(frames))):
            raise BitstreamError(f"group {number} of colour frames has gaps")
        chunk = self.container.need(self.item, ChunkType.DATA, number)
        decode = decode_group if kind == GROUPED else decode_picture_group
        files = decode(chunk, [partial(self._depth, f.depth) for f in frames], self.calibration)
        for frame, data in zip(frames, files, strict=True):
            self._put(frame.name, data)
