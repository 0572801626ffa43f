"""Codecs whose work is done by a module of their own package, imported when the first input of their kind comes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.container import Container, ContainerWriter


@dataclass(frozen=True)
class LazyCodec:
    """What the container knows of such a codec; see `codec.Codec`.  `module` has the three functions."""

    number: int
    kind: str
    unit: Unit
    module: str
    suffixes: tuple[str, ...] = ()

    def _load(self) -> ModuleType:
        return importlib.import_module(self.module)

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        outcome: Outcome = self._load().compress(source, writer, name, request)
        return outcome

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        outcome: Outcome = self._load().decompress(container, item, target, view)
        return outcome

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        result: dict[str, Any] = self._load().describe(container, item)
        return result
