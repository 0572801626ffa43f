"""What a coded colour frame cost, as a picture and over the walk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.codecs import Request
from geo3d_compression.container import ContainerWriter
from geo3d_compression.rgbd import codec
from geo3d_viewer.commands.flat import flat_picture
from geo3d_viewer.costs import parse_frame, walk_bytes
from PIL import Image

from geo3d.errors import Geo3DError


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    """Three JPEG frames in a container: the right half is noise, the left half is flat."""
    folder = tmp_path / "walk"
    folder.mkdir()
    noise = np.random.default_rng(2).integers(0, 256, (48, 32, 3)).astype(np.uint8)
    picture = np.concatenate([np.full((48, 32, 3), 90, np.uint8), noise], 1)
    for i in range(3):
        Image.fromarray(picture).save(folder / f"frame-{i}.jpg", quality=90)
    with ContainerWriter() as writer:
        codec.compress(folder, writer, "walk", Request("fast", threads=1))
        writer.write(tmp_path / "walk.g3c")
    return tmp_path / "walk.g3c"


def test_bits_lie_where_the_detail_is(coded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = list(walk_bytes(coded).values())
    assert len(sizes) == 3
    # The same picture again costs next to nothing.
    assert sizes[1] < 0.3 * sizes[0]
    assert flat_picture([f"{coded}@frame-0"], tmp_path / "cost.png", (640, 480), True)
    assert f'"bytes": {sizes[0]}' in capsys.readouterr().out
    shown = np.asarray(Image.open(tmp_path / "cost.png")).astype(int)
    # Three panels of 64 pixels, the last is the heat map: dark where it is flat.
    heat = shown[-48:, -64:]
    assert heat[:, 40:].sum() > 2 * heat[:, 8:24].sum()


def test_what_is_no_frame(coded: Path, tmp_path: Path) -> None:
    assert parse_frame(str(coded)) is None
    assert parse_frame(f"{coded}@7") == (coded, "7")
    assert parse_frame("folder@7") is None
    with pytest.raises(Geo3DError, match="names no JPEG colour frame"):
        flat_picture([f"{coded}@7"], tmp_path / "cost.png", (640, 480), True)
    with pytest.raises(Geo3DError, match="give --snapshot"):
        flat_picture([f"{coded}@frame-0"], None, (640, 480), True)
