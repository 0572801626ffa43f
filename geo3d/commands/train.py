"""The verb `train`."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import tyro

from geo3d.config import ConfigError, load_yaml, override
from geo3d.console import to_json
from geo3d.io.atomic import write_text

ENTRY_POINT_GROUP = "geo3d.train_tasks"


def train(
    config: tyro.conf.Positional[Path],
    overrides: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
) -> None:
    """Train a model from one configuration file; run it again to resume.

    The file's `task` names what is trained; the other keys are that task's settings. `key=value` words override
    them. The resolved configuration is written beside the checkpoints.

    Examples:
      geo3d train configs/octree_fast.yaml -o runs/octree_fast
      geo3d train configs/octree_fast.yaml -o runs/try fit.steps=200

    Args:
        config: YAML file; see configs/.
        overrides: settings as a.b=value.
        out: folder of checkpoints and exported weights (default: runs/NAME-OF-THE-FILE).
    """
    settings = override(load_yaml(config), overrides)
    task = settings.pop("task", None)
    tasks = {e.name: e for e in entry_points(group=ENTRY_POINT_GROUP)}
    if task not in tasks:
        known = ", ".join(sorted(tasks)) or "none is installed"
        raise ConfigError(f"{config}: 'task' must name a training task (known: {known}), got {task!r}")
    folder = Path("runs") / config.stem if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", to_json({"task": task, **settings}, indent=1) + "\n")
    tasks[task].load()(settings, folder)
