"""What a coded stereo pair is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WAYS = ("files", "jpeg", "png", "exact", "av1")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two coded views of `frames` frames each.

    way      see `stereo`
    parts    data chunks; beside: further chunks
    about    what a decoder of clips needs; empty for pictures
    details  what is worth reporting (encoder only)
    """

    way: str
    frames: int
    width: int
    height: int
    parts: list[bytes]
    beside: list[bytes] = field(default_factory=list)
    about: bytes = b""
    profile: str = "fast"
    details: dict[str, Any] = field(default_factory=dict)
