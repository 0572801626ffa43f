"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development data set beside the repository; tests that need it are skipped where it is missing."""
    for folder in (ROOT.parent / "shared" / "data", ROOT.parent.parent / "shared" / "data"):
        if folder.is_dir():
            return folder
    pytest.skip("the development data set ../shared/data is not here")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The small real inputs that come with the repository."""
    folder = ROOT / "samples"
    if not folder.is_dir():
        pytest.skip("samples/ is not here (a wheel or sdist leaves it out)")
    return folder
