"""Several clouds, arrays and small files that belong together, in one file: how other packages store what they make.

The front end does not know the container; the package that does offers `read` and `write` through the entry-point group
`geo3d.bundles`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from geo3d.errors import MissingDependencyError
from geo3d.types import PointCloud

ENTRY_POINT_GROUP = "geo3d.bundles"


@dataclass(frozen=True, eq=False)
class Bundle:
    """Items by name, unique over all three kinds.

    clouds  integer coordinates and integer attributes come back exactly, in the container's order
    arrays  numeric, exact
    files   bytes
    """

    clouds: Mapping[str, PointCloud] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def write_bundle(path: Path, bundle: Bundle) -> int:
    """Write a `.g3c` file atomically; its size in bytes."""
    return int(_function("write")(path, bundle))


def read_bundle(path: Path) -> Bundle:
    """Everything in a `.g3c` file that is a cloud, an array or a file.  Raises `BitstreamError` when it is damaged."""
    bundle = _function("read")(path)
    assert isinstance(bundle, Bundle)
    return bundle


def _function(name: str) -> Any:
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
        return entry.load()
    raise MissingDependencyError("geo3d_compression", "all", "a .g3c file")
