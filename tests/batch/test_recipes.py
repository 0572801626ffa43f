"""The container and cluster recipes agree with the package, and Ray accepts its part."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from geo3d.cli import commands

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
CLUSTER = (ROOT / "deploy/ray-cluster.yaml").read_text(encoding="utf-8")


def test_the_container_installs_extras_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = re.search(r"/src\[([^\]]+)\]", DOCKERFILE)
    assert found is not None
    assert set(found[1].split(",")) <= set(project["optional-dependencies"])
    entry = re.search(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)
    assert entry is not None
    assert json.loads(entry[1])[0] in project["scripts"]


@pytest.mark.parametrize("text", [DOCKERFILE, CLUSTER])
def test_the_examples_call_verbs_that_there_are(text: str) -> None:
    verbs = re.findall(r"(?:run .* geo3d|'geo3d) (\w+) ", text)
    assert verbs
    assert set(verbs) <= set(commands())


def test_ray_accepts_the_cluster() -> None:
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.prepare_config(yaml.safe_load(CLUSTER))
    util.validate_config(config)
    with pytest.raises(Exception, match=r"head_ip|provider|schema|required"):
        util.validate_config({k: v for k, v in config.items() if k != "provider"})
