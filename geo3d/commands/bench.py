"""The verb `bench`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated, Any

import tyro

from geo3d.bench.suite import Row, find_suites, run_suite
from geo3d.console import to_json
from geo3d.errors import Geo3DError
from geo3d.io.atomic import write_text

# Who writes the page of --html: callable(path, suite, columns, rows, summary, about).
PAGE_GROUP = "geo3d.bench_pages"


def bench(
    suite: tyro.conf.Positional[str],
    /,
    data: Path | None = None,
    json: Annotated[Path | None, tyro.conf.arg(metavar="OUT")] = None,
    html: Annotated[Path | None, tyro.conf.arg(metavar="OUT.html")] = None,
    resume: Annotated[Path | None, tyro.conf.arg(metavar="ROWS.jsonl")] = None,
) -> None:
    """Measure a part of the suite beside the peers that are installed, in one run.

    Prints a table; --json writes every row with the machine and the versions, --html a page with tables and
    rate-distortion plots that opens from disk. `geo3d bench list` names the suites.

    Examples:
      geo3d bench list
      geo3d bench pcc --data ../shared/data --json pcc.json
      geo3d bench view --html view.html
      geo3d bench register --data ../shared/data --resume rows.jsonl
      geo3d bench register --data 3dmatch:PATH

    Args:
        suite: name of the suite, or `list`.
        data: folder of the full data set; without it the bundled samples are used. PROTOCOL:FOLDER measures by the
            protocol of a public benchmark or a part of the sets (register: 3dmatch, unseen; scan: walk).
        json: file to write all rows to.
        html: file to write a page of the results to.
        resume: file that rows are kept in as they are measured; run again, what is in it is not measured again.
    """
    if suite == "list":
        for name, entry in find_suites().items():
            sys.stdout.write(f"{name:<10} {entry['description']}\n")
        return
    for option, file in (("--json", json), ("--html", html), ("--resume", resume)):
        if file is not None and not file.resolve().parent.is_dir():
            raise Geo3DError(f"{option} {file}: its folder does not exist")
    write_page = _page_writer() if html is not None else None
    found, rows, summary = run_suite(suite, data, resume)
    _print_table(suite, found["columns"], rows, summary)
    if json is not None:
        result = {"suite": suite, "machine": machine(), "rows": rows, "summary": summary}
        write_text(json, to_json(result, indent=1) + "\n")
    if html is not None and write_page is not None:
        write_page(html, suite, found["columns"], rows, summary, _about(suite, found["description"], data))


def _page_writer() -> Callable[..., None]:
    """What writes the page, found before anything is measured."""
    entries = list(entry_points(group=PAGE_GROUP))
    if not entries:
        raise Geo3DError(f"--html needs a package that writes pages (entry points '{PAGE_GROUP}'): install geo3d-suite")
    writer: Callable[..., None] = entries[0].load()
    return writer


def _about(suite: str, description: str, data: Path | None) -> dict[str, str]:
    found = machine()
    command = f"geo3d bench {suite}" + (f" --data {data}" if data is not None else "")
    return {
        "what": description,
        "command": command,
        "machine": f"{found['cores']} cores, {found['processor']}, {found['platform']}, Python {found['python']}",
        "packages": ", ".join(f"{name} {number}" for name, number in found["packages"].items()),
    }


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    packages = ("geo3d-suite", "numpy", "torch", "open3d-cpu", "numba")
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except Exception:  # not installed under this name
            continue
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": versions,
    }


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _print_table(name: str, columns: list[str], rows: list[Row], summary: list[Row]) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(f"geo3d bench {name}", columns, rows))
    if summary:
        # Ratios and means have columns that no single measurement has.
        extra = dict.fromkeys(key for row in summary for key in row if key not in columns)
        found = [c for c in [*columns, *extra] if any(row.get(c) is not None for row in summary)]
        console.print(_table("summary", found, summary))


def _table(title: str, columns: list[str], rows: list[Row]) -> Any:
    from rich.table import Table

    table = Table(title=title)
    for column in columns:
        numeric = any(isinstance(r.get(column), (int, float)) and not isinstance(r.get(column), bool) for r in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*[_text(row.get(c)) for c in columns])
    return table
