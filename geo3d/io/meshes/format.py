"""What every mesh format is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from geo3d.types import TriangleMesh


class MeshFormat(Protocol):
    """A triangle-mesh file format: name for people, lower-case suffixes with the dot."""

    @property
    def name(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def read(self, path: Path) -> TriangleMesh:
        """Return the mesh in `path`; polygons become triangles.  `FormatError` says what is wrong with the file."""
        ...

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        """Write `mesh` to `path`, which the caller renames into place.  What cannot be kept is logged as a warning."""
        ...
