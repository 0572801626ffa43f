"""What is told of a path that cannot be unpacked, whatever packages are installed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from geo3d.errors import FormatError
from geo3d.io.rgbd.recordings import unpack_recording


def test_files_that_are_none_or_hold_no_depth_are_told_whatever_is_installed(tmp_path: Path) -> None:
    (tmp_path / "a.r3d").write_bytes(b"nothing of the kind")
    with pytest.raises(FormatError, match="no Record3D file"):
        unpack_recording(tmp_path / "a.r3d", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "b.r3d", "w") as archive:
        archive.writestr("metadata", json.dumps({"w": 24, "h": 32}))
        archive.writestr("rgbd/0.jpg", b"")
    with pytest.raises(FormatError, match="holds no depth"):
        unpack_recording(tmp_path / "b.r3d", tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.r3d", "b.r3d"]


def test_a_folder_that_needs_no_unpacking_is_told(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"an RGB-D folder already \(7-Scenes"):
        unpack_recording(samples / "box_desk", tmp_path / "out")
