"""The page of a benchmark: every number is in it, curves where there are rates, nothing from elsewhere."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from geo3d_viewer.report.bench_report import rate_distortion, write

from geo3d.bench.suite import Suite
from geo3d.commands import bench as module
from geo3d.errors import Geo3DError

ROWS: list[dict[str, Any]] = [
    {"cloud": c, "codec": f"{codec} quality {q}", "bpp": 0.1 * q * k, "psnr_y": 30.0 + q, "exact": False}
    for c in ("box", "<b>desk</b>")
    for k, codec in ((1, "ours"), (2, "peer"))
    for q in (10, 20, 40)
]
COLUMNS = ["cloud", "codec", "bpp", "psnr_y", "exact", "never"]


def test_a_curve_for_each_codec_in_a_plot_for_each_case() -> None:
    plots = rate_distortion(ROWS)
    assert [title for title, _ in plots] == ["box: psnr_y", "<b>desk</b>: psnr_y"]
    for _, svg in plots:
        lines = re.findall(r'polyline points="([^"]+)"', svg)
        assert [len(line.split()) for line in lines] == [3, 3]
        assert re.findall(r">\s*(ours|peer)</text>", svg) == ["ours", "peer"]
        # The peer spends twice the bits: its curve lies to the right.
        ends = [float(line.split()[-1].split(",")[0]) for line in lines]
        assert ends[1] > ends[0]


def test_without_two_rates_there_is_no_plot() -> None:
    assert rate_distortion([{"codec": "a", "bpp": 1.0, "psnr": 30.0}, {"codec": "b", "bpp": 2.0, "psnr": 30.0}]) == []
    assert rate_distortion([{"method": "a", "seconds": 1.0}]) == []
    assert rate_distortion([]) == []


def test_the_page_holds_all_and_asks_for_nothing(tmp_path: Path) -> None:
    summary = [{"cloud": "all", "codec": "ours", "bpp": 2.3456}]
    write(
        tmp_path / "p.html",
        "demo",
        COLUMNS,
        [*ROWS, {"codec": "x", "error": "too <large>"}],
        summary,
        {"who": "me & you"},
    )
    text = (tmp_path / "p.html").read_text()
    assert "2.346" in text
    assert "me &amp; you" in text
    assert "&lt;b&gt;desk&lt;/b&gt;" in text
    assert "<b>desk" not in text
    assert "too &lt;large&gt;" in text
    assert "never" not in text
    assert text.count("<svg") == 2
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=[\"'](?!data:)", text.replace('xmlns="http://www.w3.org/2000/svg"', ""))


def test_the_verb_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite: Suite = {
        "description": "a demonstration",
        "columns": COLUMNS,
        "rows": lambda _data: iter(ROWS),
        "summary": lambda rows: rows[:1],
    }
    monkeypatch.setattr(module, "run_suite", lambda _name, _data, _resume: (suite, ROWS, ROWS[:1]))
    entry = EntryPoint("html", "geo3d_viewer.report.bench_report:write", module.PAGE_GROUP)
    monkeypatch.setattr(module, "entry_points", lambda group: [entry] if group == module.PAGE_GROUP else [])
    module.bench("demo", html=tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text()
    assert "a demonstration" in text
    assert "geo3d bench demo" in text
    monkeypatch.setattr(module, "entry_points", lambda group: [])
    with pytest.raises(Geo3DError, match="--html needs"):
        module.bench("demo", html=tmp_path / "q.html")
    with pytest.raises(Geo3DError, match="folder does not exist"):
        module.bench("demo", html=tmp_path / "no" / "q.html")


def test_ratios_of_the_summary_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They stand in columns that no measurement has."""
    summary: list[dict[str, Any]] = [{"cloud": "mean", "\u00f7 peer": 0.4375}]
    module._print_table("demo", COLUMNS, ROWS, summary)
    printed = capsys.readouterr().out
    write(tmp_path / "p.html", "demo", COLUMNS, ROWS, summary, {})
    for text in (printed, (tmp_path / "p.html").read_text()):
        assert "\u00f7 peer" in text
        assert re.search(r"0\.437|0\.438", text)


def test_the_entry_point_is_declared() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["geo3d.bench_pages"] == {"html": "geo3d_viewer.report.bench_report:write"}
