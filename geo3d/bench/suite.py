"""What a suite is, where suites are found, and how one is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from geo3d.console import to_json
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
    resumed      like rows, for long suites: takes the rows of an earlier run too, by their column `key`, and yields
                 them where they belong instead of measuring again
    protocols    suites for data in the layout of a public benchmark, by the name before the colon of --data NAME:PATH
    """

    description: str
    columns: list[str]
    rows: Callable[[Path | None], Iterator[Row]]
    summary: Callable[[list[Row]], list[Row]]
    resumed: NotRequired[Callable[[Path | None, Mapping[str, Row]], Iterator[Row]]]
    protocols: NotRequired[Mapping[str, Suite]]


def find_suites() -> dict[str, Suite]:
    """The suites that installed packages declare, by name."""
    return {e.name: e.load() for e in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name)}


def run_suite(name: str, data: Path | None = None, resume: Path | None = None) -> tuple[Suite, list[Row], list[Row]]:
    """Run one suite; return it with its rows and its summary rows.

    Parameters
    ----------
    data : folder, or PROTOCOL:FOLDER where the suite knows the protocol.
    resume : file that every row is added to as it is measured, and that rows are taken from.
    """
    suites = find_suites()
    if name not in suites:
        raise Geo3DError(f"unknown benchmark suite '{name}' (known: {', '.join(suites)})")
    suite, data = _by_protocol(name, suites[name], data)
    if data is not None and not data.is_dir():
        raise Geo3DError(f"--data {data} is not a folder")
    rows = list(suite["rows"](data) if resume is None else _kept_rows(name, suite, data, resume))
    return suite, rows, suite["summary"](rows)


def _by_protocol(name: str, suite: Suite, data: Path | None) -> tuple[Suite, Path | None]:
    if data is None or data.exists():
        return suite, data
    protocol, colon, path = str(data).partition(":")
    if not colon:
        return suite, data
    known = suite.get("protocols", {})
    if protocol not in known:
        raise Geo3DError(f"suite {name} knows no data of the kind '{protocol}' (known: {', '.join(known) or 'none'})")
    return known[protocol], Path(path)


def _kept_rows(name: str, suite: Suite, data: Path | None, resume: Path) -> Iterator[Row]:
    """The rows, each written to the file as soon as it is there."""
    if "resumed" not in suite:
        raise Geo3DError(f"suite {name} cannot be resumed; run it without --resume")
    kept: dict[str, Row] = {}
    if resume.exists():
        for line in resume.read_text().splitlines():
            # The last line of a run that was stopped may be cut.
            with suppress(json.JSONDecodeError, KeyError, TypeError):
                row = json.loads(line)
                kept[row["key"]] = row
    with resume.open("a") as file:
        for row in suite["resumed"](data, kept):
            if row["key"] not in kept:
                file.write("\n" * (file.tell() > 0) + to_json(row))
                file.flush()
            yield row
