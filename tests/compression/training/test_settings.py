"""Settings of training tasks: tuples come back as tuples, unknown names are refused."""

import pytest
from geo3d_compression.octree.training.fit import FitSettings
from geo3d_compression.training.settings import from_dict

from geo3d.config import ConfigError


def test_lists_become_the_tuples_that_the_settings_hold() -> None:
    settings = from_dict(FitSettings, {"shares": [0.5, 0.5, 0, 0, 0], "steps": 3})
    assert settings.shares == (0.5, 0.5, 0, 0, 0)
    assert settings.steps == 3


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stepz.*steps"):
        from_dict(FitSettings, {"stepz": 3})
