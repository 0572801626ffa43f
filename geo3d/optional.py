"""Optional packages, imported when first needed, with an error that names the extra."""

from __future__ import annotations

import importlib
import importlib.metadata
from types import ModuleType

from geo3d.errors import Geo3DError, MissingDependencyError


def require(module: str, extra: str, purpose: str, package: str | None = None) -> ModuleType:
    """Import and return `module`, or raise `MissingDependencyError` naming `geo3d-suite[extra]`."""
    try:
        return importlib.import_module(module)
    # A broken shared library inside the package raises OSError, not ImportError.
    except (ImportError, OSError) as error:
        raise MissingDependencyError(package or module, extra, purpose) from error


def require_major(package: str, major: int, purpose: str, instead: str) -> None:
    """Raise Geo3DError where the installed `package` is older than `major`: other packages may hold it back."""
    version = importlib.metadata.version(package)
    if int(version.split(".")[0]) < major:
        raise Geo3DError(
            f"{purpose} needs {package} {major} or later, {version} is installed (nerfstudio and others pin it): "
            f"{instead}"
        )
