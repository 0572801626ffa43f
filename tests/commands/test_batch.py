"""The verb `batch`: what it prints, its exit code and its refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo3d.commands.batch import batch
from geo3d.errors import FormatError
from geo3d.io import write_points
from geo3d.types import PointCloud


def test_one_object_on_stdout_and_exit_code_1_for_a_failure(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_points(tmp_path / "in/a.ply", PointCloud(np.random.default_rng(0).normal(size=(20, 3))))
    (tmp_path / "in/b.xyz").write_text("no number\n")
    arguments = {"output": tmp_path / "out", "suffix": ".pcd", "options": "--encoding ascii", "json": True}
    assert batch("convert", (tmp_path / "in",), **arguments) == 1
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["made"], result["kept"], list(result["failed"])) == (1, 0, ["b.pcd"])
    assert "b.pcd failed" in printed.err
    assert b"DATA ascii" in (tmp_path / "out/a.pcd").read_bytes()
    (tmp_path / "in/b.xyz").write_text("1 2 3\n")
    assert batch("convert", (tmp_path / "in",), **arguments) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 1


def test_refusals(tmp_path):
    with pytest.raises(FormatError, match="unknown verb 'nonsense'"):
        batch("nonsense", (tmp_path,), output=tmp_path / "out")
    with pytest.raises(FormatError, match="needs inputs"):
        batch("convert", (), output=tmp_path / "out")
    with pytest.raises(FormatError, match="split into words"):
        batch("convert", (tmp_path,), output=tmp_path / "out", options="'")
    (tmp_path / "a.ply").write_text("")
    with pytest.raises(FormatError, match="at least 1"):
        batch("compress", (tmp_path / "a.ply",), output=tmp_path / "out", jobs=0)
    assert not (tmp_path / "out").exists()
