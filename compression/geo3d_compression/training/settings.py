"""Settings of a training task from the dicts of its YAML file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from geo3d.config import ConfigError

_T = TypeVar("_T")


def from_dict(kind: type[_T], values: dict[str, Any]) -> _T:
    """An instance of a frozen dataclass; lists become tuples where its default is one.  Unknown names are errors."""
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    unknown = set(values) - set(known)
    if unknown:
        raise ConfigError(f"unknown settings {sorted(unknown)} for {kind.__name__}; there are {sorted(known)}")
    return kind(
        **{k: tuple(v) if isinstance(v, list) and isinstance(known[k].default, tuple) else v for k, v in values.items()}
    )
