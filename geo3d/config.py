"""Configuration: defaults live in dataclasses, YAML overrides them, unknown keys are errors."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any, TypeVar

from geo3d.errors import Geo3DError

C = TypeVar("C")


class ConfigError(Geo3DError, ValueError):
    """A configuration names a key that does not exist, or gives a value of the wrong type."""


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file (plain data only)."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold a mapping, got {type(data).__name__}")
    return data


def override(config: dict[str, Any], assignments: typing.Sequence[str]) -> dict[str, Any]:
    """Return a copy with `a.b=value` assignments applied; values are YAML scalars or lists."""
    import copy

    import yaml

    result = copy.deepcopy(config)
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not separator or not key:
            raise ConfigError(f"an override is key=value, got '{assignment}'")
        node = result
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise ConfigError(f"override '{assignment}': '{parent}' is not a group of settings")
        node[last] = yaml.safe_load(value)
    return result


def from_dict(cls: type[C], data: dict[str, Any], where: str = "config") -> C:
    """Build the dataclass `cls` (nested dataclasses too) from plain data, strictly.

    Raises `ConfigError` for unknown keys (listing the known ones), missing required keys and wrong types.
    """
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise TypeError(f"{cls} is not a dataclass")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ConfigError(f"{where}: unknown key(s) {', '.join(unknown)} (known: {', '.join(fields)})")
    values: dict[str, Any] = {k: _value(hints[k], v, f"{where}.{k}") for k, v in data.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: must be a group of settings, got {value!r}")
        return from_dict(typing.cast(type, hint), value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(f"{where}: must be one of {', '.join(map(repr, arguments))}, got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where}: must be a list, got {value!r}")
        element = arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None
        if element is None and len(value) != len(arguments):
            raise ConfigError(f"{where}: must have {len(arguments)} entries, got {len(value)}")
        kinds = [element] * len(value) if element is not None else list(arguments)
        return tuple(_value(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if type(None) in arguments:
        return None if value is None else _value(next(a for a in arguments if a is not type(None)), value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise ConfigError(f"{where}: must be {hint.__name__}, got {value!r}")
    return value
