"""The page of `geo3d bench --html`: what was measured, as tables and rate-distortion plots, in one file."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.io.atomic import write_text
from geo3d_viewer.report.page import Section, page, table
from geo3d_viewer.report.plots import Series, line_plot

_RATES = ("bpp", "bpv", "bits_per_unit")
_QUALITY = re.compile(r"psnr|ssim|(^|_)d[12](_|$)|vmaf", re.IGNORECASE)
_NAMES = ("method", "codec")
# What tells the points of one codec's curve apart stands at the end of their names.
_SETTING = re.compile(r"[\s,@]*(?:quality|qp|q|rate|level)?[\s=]*\d[\d.]*$", re.IGNORECASE)
_ERROR = "error"


def write(
    path: Path,
    suite: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    summary: Sequence[Mapping[str, Any]],
    about: Mapping[str, str],
) -> None:
    """Write a page that opens from disk without a network.

    columns  of the tables, in order; rows may hold more
    about    what to say of the run: description, command, machine, versions
    """
    sections = [Section("About this run", table([[k, v] for k, v in about.items()]))]
    if summary:
        sections.append(Section("Summary", rows_table(_all_columns(columns, summary), summary)))
    plots = rate_distortion(rows)
    if plots:
        body = "".join(f"<figure>{svg}<figcaption>{html.escape(title)}</figcaption></figure>" for title, svg in plots)
        sections.append(Section("Rate and distortion", f'<div class="row">{body}</div>'))
    sections.append(Section(f"All {len(rows)} measurements", rows_table(_all_columns(columns, rows), rows)))
    write_text(path, page(f"geo3d bench {suite}", sections))


def _all_columns(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    extra = dict.fromkeys(key for row in rows for key in row)
    return [*columns, *(key for key in extra if key not in columns)]


def rows_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of the columns that any row has."""
    shown = [c for c in columns if any(row.get(c) is not None for row in rows)]
    return table([[_cell(row.get(c)) for c in shown] for row in rows], shown)


def _cell(value: Any) -> Any:
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, np.generic):
        return value.item()
    return value


def rate_distortion(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(title, SVG) of quality over rate, for every case and measure of quality with two or more rates of a codec."""
    rate = next((r for r in _RATES if any(r in row for row in rows)), None)
    if rate is None:
        return []
    qualities = [k for k in _all_columns((), rows) if _QUALITY.search(k)]
    cases: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        cases.setdefault(_case(row), []).append(row)
    plots = []
    for case, group in cases.items():
        for quality in qualities:
            curves = _curves(group, rate, quality)
            if any(len(c.x) > 1 for c in curves):
                title = f"{', '.join(case)}: {quality}" if case else quality
                plots.append((title, line_plot(curves, rate, quality, (475, 330), names_below=True)))
    return plots


def _case(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What was compressed: the words of a row, and the grid, but not who did it."""
    skipped = {*_NAMES, _ERROR}
    words = [v for k, v in row.items() if isinstance(v, str) and k not in skipped]
    return (*words, *([f"grid {row['grid']:g}"] if isinstance(row.get("grid"), int | float) else []))


def _curves(rows: Sequence[Mapping[str, Any]], rate: str, quality: str) -> list[Series]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        x, y = row.get(rate), row.get(quality)
        if isinstance(x, int | float) and isinstance(y, int | float) and np.isfinite([x, y]).all():
            name = next((str(row[n]) for n in _NAMES if n in row), "")
            found.setdefault(_SETTING.sub("", name) or name, []).append((float(x), float(y)))
    curves = []
    for name, points in found.items():
        p = np.array(sorted(points))
        curves.append(Series(name, p[:, 0], p[:, 1], marks=True))
    return curves
