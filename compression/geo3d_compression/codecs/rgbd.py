"""Folders of frames: see `geo3d_compression.rgbd.codec`, which is imported when a folder comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.container import Container, ContainerWriter


class RGBDCodec:
    """What the container knows of the codec; the work is done by the functions of its package."""

    number = 9
    kind = "rgbd"
    unit: Unit = "frames"
    suffixes: tuple[str, ...] = ()

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        from geo3d_compression.rgbd import codec

        return codec.compress(source, writer, name, request)

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        from geo3d_compression.rgbd import codec

        return codec.decompress(container, item, target, view)

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        from geo3d_compression.rgbd import codec

        return codec.describe(container, item)
