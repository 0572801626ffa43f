"""The verb `export`, with a real RGB-D folder."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from geo3d.commands.export import export
from geo3d.errors import FormatError
from geo3d.io import open_rgbd


def test_real_frames_come_back_and_a_broken_one_is_said(tmp_path, capsys, samples):
    source = tmp_path / "desk"
    source.mkdir()
    files = sorted((samples / "box_desk").glob("frame-*"))
    for file in [*files[:9], *(samples / "box_desk").glob("*.txt"), *(samples / "box_desk").glob("*.json")]:
        if file.name.startswith("frame-") and file not in files[:9]:
            continue
        shutil.copy(file, source / file.name)
    before = open_rgbd(source)
    depth = before.depth_path(1)
    depth.chmod(0o644)
    depth.write_bytes(depth.read_bytes()[:1000])
    export("nerfstudio", source, output=tmp_path / "ns", points=1000, json=True)
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["frames"], list(result["left_out"])) == (2, [before.names[1]])
    assert before.names[1] in printed.err
    after = open_rgbd(tmp_path / "ns")
    for name in after.names:
        i, j = before.index(name), after.index(name)
        assert np.abs(before.T_world_camera[i] - after.T_world_camera[j]).max() < 1e-9
        # Colour is copied as it is, not compressed a second time.
        assert before.color_path(i).read_bytes() == after.color_path(j).read_bytes()
        assert (before.load(i).depth == after.load(j).depth).all()


def test_refusals(tmp_path):
    with pytest.raises(FormatError, match="--points"):
        export("nerfstudio", tmp_path, output=tmp_path / "out", points=0)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(FormatError, match="no known recording"):
        export("rgbd", tmp_path / "notes.txt", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
