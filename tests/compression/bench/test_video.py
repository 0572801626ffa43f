"""The video suite measures real streams, and its BD-rate has the known value for curves that are shifted copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from compression_clips import about, moving
from geo3d_compression.bench import video
from geo3d_compression.video import clip as clips


def test_bd_rate_of_a_shifted_curve() -> None:
    curve = [{"psnr_y": 30.0 + 3 * k, "bpp": 0.1 * 1.7**k} for k in range(4)]
    cheaper = [{**r, "bpp": 0.8 * r["bpp"]} for r in curve]
    assert video.bd_rate(curve, cheaper) == pytest.approx(-0.2)


def test_exact_rows(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="video files need the extra `video`")
    clips.write_clip(tmp_path / "clip.mkv", about("gray"), (0, 40), iter(moving("gray", 2)))
    rows = [r for r in video.SUITE["rows"](tmp_path) if r["what"] == "exact"]
    assert {r["method"] for r in rows} >= {"FFV1", "geo3d fast", "geo3d best"}
    assert all(r["bytes"] > 0 for r in rows)
    assert video.SUITE["summary"](rows)
