"""All errors that the suite raises on purpose.  Anything else that escapes is a bug."""

from __future__ import annotations


class Geo3DError(Exception):
    """Base of the suite's errors.  The message says what was given, what is allowed and what to do."""


class ShapeError(Geo3DError, ValueError):
    """An array has the wrong shape or dtype, or holds values that are not allowed (NaN, empty)."""


class FormatError(Geo3DError, ValueError):
    """A file or folder is not what it claims to be, or its format is unknown."""


class BitstreamError(FormatError):
    """A compressed stream is truncated, damaged, hostile, or needs a model that is not here."""


class RegistrationError(Geo3DError):
    """Registration cannot even be tried (too few points, no depth); a refusal is a result, not an error."""


class ReconstructionError(Geo3DError):
    """No surface can be made from the input."""


class MissingDependencyError(Geo3DError, ImportError):
    """An optional package is absent.  The message names the extra that brings it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package '{package}': pip install 'geo3d-suite[{extra}]'")
        self.package = package
        self.extra = extra


class DisplayError(Geo3DError):
    """A window or an offscreen renderer cannot be opened here."""
