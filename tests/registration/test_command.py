"""The verb: what it prints, writes and returns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geo3d.commands.register import register
from geo3d.errors import Geo3DError
from geo3d.io import read_points

KEYS = {"T_target_source", "converged", "probability", "fitness", "rmse", "reason", "seconds"}


@pytest.fixture
def clouds(tmp_path: Path) -> tuple[str, str, np.ndarray]:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 1, (4000, 2))
    wall = np.c_[rng.uniform(0, 1, 2000), np.zeros(2000), rng.uniform(0, 0.6, 2000)]
    p = np.concatenate([np.c_[xy, 0.1 * np.sin(7 * xy[:, 0]) * np.cos(9 * xy[:, 1])], wall])
    T = np.eye(4)
    T[:3, 3] = [0.02, -0.01, 0.015]
    np.save(tmp_path / "a.npy", p[::2])
    np.save(tmp_path / "b.npy", p[1::2] + T[:3, 3])
    return str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), T


def test_json_file_and_merged_cloud(
    clouds: tuple[str, str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, T = clouds
    out, merged = tmp_path / "T.json", tmp_path / "both.ply"
    assert register((a, b), output=out, merged=merged, method="icp", json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) >= KEYS
    assert answer == json.loads(out.read_text())
    assert np.abs(np.array(answer["T_target_source"]) - T).max() < 0.01
    assert len(read_points(merged)) == 6000


def test_a_refusal_is_exit_1_with_the_reason(
    clouds: tuple[str, str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "mm.npy", 1000 * np.load(clouds[0]))
    merged = tmp_path / "both.ply"
    assert register((str(tmp_path / "mm.npy"), clouds[1]), merged=merged, json=True) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["converged"] is False
    assert "millimetres" in captured.err
    assert not merged.exists()


def test_pairs_give_one_line_each_even_if_one_cannot_be_read(
    clouds: tuple[str, str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.txt").write_text("a.npy b.npy\na.npy missing.ply\n")
    assert register(pairs=tmp_path / "list.txt", method="icp") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["converged"] for line in lines] == [True, False]
    assert all(set(line) >= KEYS for line in lines)
    assert "missing.ply" in lines[1]["reason"]


def test_wrong_usage_says_what_is_wanted() -> None:
    with pytest.raises(Geo3DError, match="got 1 inputs"):
        register(("a.ply",))
    with pytest.raises(Geo3DError, match="--pairs stands alone"):
        register(("a.ply", "b.ply"), pairs=Path("list.txt"))
