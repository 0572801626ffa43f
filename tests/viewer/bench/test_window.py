"""The measuring of windows itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.bench.view import ball
from geo3d_viewer.bench.window import _is_picture, watch

from geo3d.io import write_points


def test_a_grey_screen_is_no_picture() -> None:
    screen = np.full((800, 1100, 3), 230, np.uint8)
    assert not _is_picture(screen)
    screen[200:280, 300:380] = [200, 40, 90]
    assert _is_picture(screen)


@pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")),
    reason="a window needs a virtual screen: apt-get install xvfb xdotool",
)
@pytest.mark.parametrize("drag", [0.0, 3.0])
def test_a_window_is_watched(tmp_path: Path, drag: float) -> None:
    write_points(tmp_path / "ball.ply", ball(20_000))
    row = watch(tmp_path / "ball.ply", tmp_path, drag)
    assert 0 < row["first_s"] < 240
    assert row["peak_mb"] > 50
    if drag:
        assert row["pictures"] > 0
        assert row["dragged_s"] >= drag
        assert 0 < row["longest_still_s"] <= row["dragged_s"] + 1
    else:
        assert row["whole_s"] >= row["first_s"]
