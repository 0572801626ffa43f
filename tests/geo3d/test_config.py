"""Strict configuration."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from geo3d.config import ConfigError, from_dict, load_yaml, override


@dataclass(frozen=True)
class Fit:
    steps: int = 10
    rate: float = 1e-3
    kind: Literal["adam", "sgd"] = "adam"


@dataclass(frozen=True)
class Settings:
    name: str
    widths: tuple[int, ...] = (8, 8)
    fit: Fit = field(default_factory=Fit)
    data: Path | None = None


def test_values_reach_nested_fields() -> None:
    s = from_dict(Settings, {"name": "a", "widths": [1, 2, 3], "fit": {"rate": 1, "kind": "sgd"}, "data": "x"})
    assert s == Settings("a", (1, 2, 3), Fit(rate=1.0, kind="sgd"), Path("x"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "a", "step": 1}, "unknown key"),
        ({"name": "a", "fit": {"stepz": 1}}, r"config\.fit: unknown key"),
        ({}, "name"),
        ({"name": 3}, "must be str"),
        ({"name": "a", "fit": {"steps": True}}, "must be int"),
        ({"name": "a", "fit": {"kind": "rms"}}, "must be one of 'adam', 'sgd'"),
        ({"name": "a", "widths": 3}, "must be a list"),
        ({"name": "a", "fit": 3}, "group of settings"),
    ],
)
def test_mistakes_are_errors_that_name_the_key(data: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_dict(Settings, data)


def test_overrides_are_typed_by_yaml_and_do_not_touch_the_original() -> None:
    original = {"fit": {"steps": 10}}
    assert override(original, ["fit.steps=20", "name=x", "widths=[1, 2]"]) == {
        "fit": {"steps": 20},
        "name": "x",
        "widths": [1, 2],
    }
    assert original == {"fit": {"steps": 10}}
    with pytest.raises(ConfigError, match="key=value"):
        override(original, ["steps"])
    with pytest.raises(ConfigError, match="not a group"):
        override(original, ["fit.steps.more=1"])


def test_yaml_that_is_not_a_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("[1, 2]")
    with pytest.raises(ConfigError, match="mapping"):
        load_yaml(path)
    path.write_text("a: !!python/object/apply:os.system ['true']")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_yaml(path)
