"""Optional packages: absent or too old, said in words."""

from __future__ import annotations

import pytest

from geo3d.errors import Geo3DError, MissingDependencyError
from geo3d.optional import require, require_major


def test_an_absent_package_is_named_with_its_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"geo3d-suite\[web\]"):
        require("no_such_package_at_all", "web", "the page")


def test_a_package_held_back_is_named_with_what_to_do() -> None:
    require_major("numpy", 1, "this", "that")
    with pytest.raises(Geo3DError, match=r"this needs numpy 999 or later, .* is installed .*: use that"):
        require_major("numpy", 999, "this", "use that")
