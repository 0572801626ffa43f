"""Optional packages, imported when first needed, with an error that names the extra."""

from __future__ import annotations

import importlib
from types import ModuleType

from geo3d.errors import MissingDependencyError


def require(module: str, extra: str, purpose: str, package: str | None = None) -> ModuleType:
    """Import and return `module`, or raise `MissingDependencyError` naming `geo3d-suite[extra]`."""
    try:
        return importlib.import_module(module)
    # A broken shared library inside the package raises OSError, not ImportError.
    except (ImportError, OSError) as error:
        raise MissingDependencyError(package or module, extra, purpose) from error
