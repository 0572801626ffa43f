"""How a batch is run."""

from __future__ import annotations

import sys
from dataclasses import dataclass

PROGRAM = (sys.executable, "-m", "geo3d.batch.worker")


@dataclass(frozen=True)
class BatchSettings:
    """How each task is run.

    verb       words of the verb: ("compress",), ("export", "nerfstudio")
    options    further words for each call
    jobs       tasks at the same time
    retries    how often a task is tried again whose process was killed, crashed or took too long
    timeout    seconds a try, None without limit
    memory_mb  limit of a task's private memory where the operating system has one, None without
    threads    threads a task, the same for any number of jobs, so that results cannot depend on it
    program    what runs a task: `program --memory-mb M -- VERB INPUT... -o OUTPUT OPTION...`
    """

    verb: tuple[str, ...]
    options: tuple[str, ...] = ()
    jobs: int = 1
    retries: int = 1
    timeout: float | None = None
    memory_mb: int | None = None
    threads: int = 1
    program: tuple[str, ...] = PROGRAM
