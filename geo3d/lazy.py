"""Packages whose public names load what they need on first use (PEP 562), so that importing one module stays cheap."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package's `__init__`: `modules` says in which module each name stands."""
    public = sorted(modules)

    def get(name: str) -> Any:
        if name in modules:
            return getattr(import_module(modules[name]), name)
        raise AttributeError(f"module '{package}' has no attribute '{name}' (public names: {', '.join(public)})")

    return get, lambda: public
