"""What a suite is, where suites are found, and how one is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypedDict

from geo3d.errors import Geo3DError

ENTRY_POINT_GROUP = "geo3d.bench_suites"

# One measured line: method, case, and numbers.  Keys are column names.
Row = dict[str, Any]


class Suite(TypedDict):
    """A benchmark as plain data.

    description  one line for `geo3d bench --help`
    columns      the columns of the printed table, in order (a row may hold more; JSON keeps all)
    rows         called with the data folder (or None: bundled samples), yields rows as they are measured
    summary      called with all rows, gives the aggregate rows (medians, means, ratios) printed below the table
    """

    description: str
    columns: list[str]
    rows: Callable[[Path | None], Iterator[Row]]
    summary: Callable[[list[Row]], list[Row]]


def find_suites() -> dict[str, Suite]:
    """The suites that installed packages declare, by name."""
    return {e.name: e.load() for e in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name)}


def run_suite(name: str, data: Path | None = None) -> tuple[Suite, list[Row], list[Row]]:
    """Run one suite; return it with its rows and its summary rows."""
    suites = find_suites()
    if name not in suites:
        raise Geo3DError(f"unknown benchmark suite '{name}' (known: {', '.join(suites)})")
    suite = suites[name]
    rows = list(suite["rows"](data))
    return suite, rows, suite["summary"](rows)
