"""The one place that prints: results to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    return value


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON text of a result that may hold numpy values; NaN and infinities become null (JSON has none)."""
    return json.dumps(_without_nan(json.loads(json.dumps(value, default=_plain))), indent=indent)


def report(result: dict[str, Any], *, as_json: bool) -> None:
    """Print one result: a JSON object on one line, or aligned `name  value` lines."""
    if as_json:
        sys.stdout.write(to_json(result) + "\n")
        return
    width = max((len(k) for k in result), default=0)
    for key, value in result.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        sys.stdout.write(f"{key:<{width}}  {text}\n")


def say(message: str) -> None:
    """Tell the person at the terminal something (stderr, so that pipes stay clean)."""
    sys.stderr.write(message.rstrip() + "\n")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate with a progress bar on a terminal, and silently in a pipe."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=description, total=total, console=Console(stderr=True), transient=True)
