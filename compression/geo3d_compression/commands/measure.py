"""What the verbs report of their work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geo3d.console import report
from geo3d.memory import peak_bytes
from geo3d_compression.codecs import CODECS


def peak_mb() -> float:
    """Largest resident memory of this process so far, in 10^6 bytes."""
    return peak_bytes() / 1e6


def summarise(rows: Sequence[dict[str, Any]], size: int) -> dict[str, Any]:
    """One object for all items: that of the item if there is one, else totals with `items` below."""
    units = {CODECS[row["codec"]].unit for row in rows}
    unit = units.pop() if len(units) == 1 else None
    count = sum(row[unit] for row in rows) if unit else 0
    result: dict[str, Any] = {"codec": rows[0]["codec"] if len({r["codec"] for r in rows}) == 1 else "several"}
    if len(rows) == 1:
        result.update({k: v for k, v in rows[0].items() if k not in ("name", "codec")})
    elif unit:
        result[unit] = count
    # Of a file item the unit is bytes too: what went in has its own name.
    if "bytes" in result:
        result["bytes_in"] = result.pop("bytes")
    result |= {"bytes": size, "bits_per_unit": 8 * size / count if count else None}
    if len(rows) > 1:
        result["items"] = list(rows)
    return result


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """Print a verb's result: everything as JSON, without the list of items as text."""
    if not as_json and "items" in result:
        result = {**result, "items": len(result["items"])}
    report(result, as_json=as_json)


def unique_names(paths: Sequence[Path]) -> list[str]:
    """The files' names; a second `a.ply` becomes `a-2.ply`."""
    names: list[str] = []
    for path in paths:
        name, k = path.name, 2
        while name in names:
            name, k = f"{path.stem}-{k}{path.suffix}", k + 1
        names.append(name)
    return names
