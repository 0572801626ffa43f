"""Views are remembered per input, in the user's state folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.memory import recall, recalled, remember

from geo3d.errors import FormatError


def test_the_last_view_of_the_same_input_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    a, b = ViewCamera((1, 2, 3), (0, 0, 0)), ViewCamera((4, 5, 6), (0, 0, 0))
    remember(["a.ply"], a)
    remember(["a.ply", "b.ply"], b)
    remember(["a.ply"], b)
    remember(["a.ply"], a)
    assert recall(["a.ply"]) == a
    assert recall(["a.ply", "b.ply"]) == b
    with pytest.raises(FormatError, match="no view of this input"):
        recall(["c.ply"])


def test_a_damaged_or_read_only_state_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "geo3d").mkdir()
    (tmp_path / "geo3d" / "views.json").write_text("{")
    remember(["a.ply"], ViewCamera((1, 2, 3), (0, 0, 0)))
    assert recall(["a.ply"]).position == (1, 2, 3)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    remember(["a.ply"], ViewCamera((1, 2, 3), (0, 0, 0)))


def test_a_window_without_a_past_has_no_view_to_begin_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert recalled(["a.ply"]) is None
    camera = ViewCamera((1, 2, 3), (0, 0, 0))
    remember(["a.ply"], camera)
    assert recalled(["a.ply"]) == camera
    assert recalled(["b.ply"]) is None
    (tmp_path / "geo3d" / "views.json").write_text('{"' + str(Path("a.ply").absolute()) + '": "nonsense"}')
    assert recalled(["a.ply"]) is None
