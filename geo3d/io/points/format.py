"""What every point-cloud format is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from geo3d.types import PointCloud


class PointFormat(Protocol):
    """A point-cloud file format.

    name      for people
    suffixes  lower case, with the dot; all that this format may be named
    keeps     what the format can hold beside coordinates, for people
    """

    @property
    def name(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    @property
    def keeps(self) -> str: ...

    def read(self, path: Path) -> PointCloud:
        """Return the cloud in `path`, NaN points included.  `FormatError` says what is wrong with the file."""
        ...

    @property
    def write(self) -> Callable[..., None]:
        """`write(path, cloud, *, ...)`: write to `path`, which the caller renames into place.

        Keyword-only parameters are the format's options.  What cannot be kept is logged as a warning by `geo3d.io`.
        """
        ...
