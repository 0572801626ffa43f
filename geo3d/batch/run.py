"""A whole batch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from geo3d.batch.engines import run_here, run_on_ray
from geo3d.batch.manifest import Manifest
from geo3d.batch.run_task import PARTIAL
from geo3d.batch.settings import BatchSettings
from geo3d.batch.tasks import Task
from geo3d.console import progress
from geo3d.errors import FormatError


@dataclass(frozen=True)
class BatchResult:
    """How many tasks were made now, were there already, and output -> reason of those that failed."""

    made: int
    kept: int
    failed: dict[str, str]


def run_batch(
    tasks: list[Task], settings: BatchSettings, folder: Path, *, on_ray: bool = False, address: str | None = None
) -> BatchResult:
    """Run what is missing in `folder` (made if absent); failures are in the result and in manifest.json."""
    _check(settings)
    if folder.exists() and not folder.is_dir():
        raise FormatError(f"-o {folder} is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder -o {folder} cannot be made: {error.strerror}") from error
    manifest = Manifest(folder, settings)
    todo = [t for t in tasks if not manifest.is_done(t)]
    manifest.start(todo)
    engine = run_on_ray(todo, settings, folder, address) if on_ray else run_here(todo, settings, folder)
    failed: dict[str, str] = {}
    for task, outcome in progress(engine, " ".join(settings.verb), len(todo)):
        manifest.enter(task, outcome)
        if outcome.state == "failed":
            failed[task.output] = outcome.reason
    if not failed:
        shutil.rmtree(folder / PARTIAL, ignore_errors=True)
    elif (folder / PARTIAL).is_dir() and not any((folder / PARTIAL).iterdir()):
        (folder / PARTIAL).rmdir()
    return BatchResult(len(todo) - len(failed), len(tasks) - len(todo), dict(sorted(failed.items())))


def _check(settings: BatchSettings) -> None:
    least = {"--jobs": (settings.jobs, 1), "--threads": (settings.threads, 1), "--retries": (settings.retries, 0),
             "--memory-mb": (settings.memory_mb, 1)}  # fmt: skip
    for name, (value, at_least) in least.items():
        if value is not None and value < at_least:
            raise FormatError(f"{name} must be at least {at_least}, got {value}")
    if settings.timeout is not None and not settings.timeout > 0:
        raise FormatError(f"--timeout must be more than 0 seconds, got {settings.timeout:g}")
