"""manifest.json: what was done, with what result, so that a second run does only what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geo3d.batch.run_task import Outcome, size_of
from geo3d.batch.settings import BatchSettings
from geo3d.batch.tasks import Task, fingerprint
from geo3d.console import to_json
from geo3d.io.atomic import write_text

MANIFEST = "manifest.json"


class Manifest:
    """The manifest of one batch folder.  Entries of earlier batches in the folder stay."""

    def __init__(self, folder: Path, settings: BatchSettings) -> None:
        self._path = folder / MANIFEST
        self._settings = settings
        self._entries = _read(self._path)

    def is_done(self, task: Task) -> bool:
        """True if the task's output is there, whole, and made by the same call from the same input."""
        entry = self._entries.get(task.output, {})
        mark = fingerprint(task, self._settings.verb, self._settings.options)
        here = size_of(self._path.parent / task.output)
        return entry.get("state") == "done" and entry.get("fingerprint") == mark and entry.get("bytes") == here

    def start(self, tasks: list[Task]) -> None:
        """Enter tasks that are to be run."""
        for task in tasks:
            self._entries[task.output] = self._about(task) | {"state": "missing", "reason": "not run yet"}
        self._write()

    def enter(self, task: Task, outcome: Outcome) -> None:
        """Enter how a task ended."""
        self._entries[task.output] = self._about(task) | asdict(outcome)
        self._write()

    def _about(self, task: Task) -> dict[str, Any]:
        settings = self._settings
        return {
            "inputs": [str(p) for p in task.inputs],
            "verb": " ".join(settings.verb),
            "options": list(settings.options),
            "fingerprint": fingerprint(task, settings.verb, settings.options),
        }

    def _write(self) -> None:
        write_text(self._path, to_json({"outputs": dict(sorted(self._entries.items()))}, indent=1) + "\n")


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """Entries by output; an unreadable manifest counts as none, then everything is made again."""
    try:
        outputs = json.loads(path.read_bytes())["outputs"]
        return {str(k): v for k, v in outputs.items() if isinstance(v, dict)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
