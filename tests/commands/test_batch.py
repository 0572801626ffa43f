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
    for wrong, message in (
        ({"jobs": 0}, "--jobs must be at least 1, got 0"), ({"retries": -1}, "--retries must be at least 0, got -1"),
        ({"timeout": 0.0}, "--timeout must be more than 0"), ({"memory_mb": 0}, "--memory-mb must be at least 1"),
    ):  # fmt: skip
        with pytest.raises(FormatError, match=message):
            batch("compress", (tmp_path / "a.ply",), output=tmp_path / "out", **wrong)
    with pytest.raises(FormatError, match="is an input too"):
        batch("compress", (tmp_path,), output=tmp_path)
    with pytest.raises(FormatError, match="cannot be made: Not a directory"):
        batch("compress", (tmp_path / "a.ply",), output=tmp_path / "a.ply" / "out")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/a.ply").write_text("")
    (tmp_path / "list.txt").write_text("b/a.ply\n")
    with pytest.raises(FormatError, match=r"both become 'a\.g3c'"):
        batch("compress", (tmp_path / "a.ply",), output=tmp_path / "out", inputs_from=tmp_path / "list.txt")
    assert not (tmp_path / "out").exists()


def test_an_input_that_is_listed_too_is_done_once(tmp_path, capsys):
    write_points(tmp_path / "a.ply", PointCloud(np.zeros((5, 3))))
    (tmp_path / "list.txt").write_text("a.ply\na.ply\n")
    out = tmp_path / "out"
    assert not batch("convert", (tmp_path / "a.ply",), output=out, inputs_from=tmp_path / "list.txt", suffix=".pcd")
    assert [p.name for p in sorted(out.iterdir())] == ["a.pcd", "manifest.json"]
