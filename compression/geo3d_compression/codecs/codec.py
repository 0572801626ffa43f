"""What every codec of the container is, and what the verbs pass to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from geo3d_compression.container import Container, ContainerWriter

Unit = Literal["points", "voxels", "pixels", "frames", "bytes", "values"]


@dataclass(frozen=True)
class Request:
    """Options of `compress`, for all codecs; each takes what concerns it and refuses what contradicts it."""

    profile: Literal["fast", "best"] = "fast"
    lossless: bool = False
    quality: float | None = None
    grid: float | None = None
    bits: int | None = None
    duplicates: Literal["keep", "merge"] = "keep"
    keep_order: bool = False
    threads: int = 2
    group: int | None = None
    geometry: Literal["auto", "exact", "lossy"] = "auto"
    near: int = 0


@dataclass(frozen=True)
class View:
    """Options of `decompress`, for all codecs."""

    level: int | None = None
    bbox: tuple[float, float, float, float, float, float] | None = None
    salvage: bool = False
    threads: int = 2
    losses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """How many units went in or came out, and what else is worth reporting."""

    count: int
    details: dict[str, Any] = field(default_factory=dict)


class Codec(Protocol):
    """Turns a file into the chunks of one item, and back.

    number   what the container stores: never reused
    kind     one of `container.layout.KINDS`
    unit     what `bits_per_unit` counts
    suffixes of files that it can write; the first is used where the user gives only a folder; empty: any
    """

    @property
    def number(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def unit(self) -> Unit: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        """Add an item called `name` to the container."""
        ...

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        """Write the item's file to `target`."""
        ...

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        """What `info` says of an item, from its header alone; has an entry named as the unit."""
        ...
