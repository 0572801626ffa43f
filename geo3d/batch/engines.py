"""Who runs the tasks: threads that each watch one process at a time, or a Ray cluster.  Only paths travel."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from geo3d.batch.run_task import Outcome, run_task
from geo3d.batch.settings import BatchSettings
from geo3d.batch.tasks import Task
from geo3d.optional import require

# Tasks submitted to Ray and not finished yet, so that a long list does not flood its scheduler.
_IN_FLIGHT = 1000


def run_here(tasks: list[Task], settings: BatchSettings, folder: Path) -> Iterator[tuple[Task, Outcome]]:
    """Yield tasks as they finish, `settings.jobs` at the same time on this machine."""
    with ThreadPoolExecutor(settings.jobs) as pool:
        waiting: dict[Future[Outcome], Task] = {pool.submit(_safe, t, settings, folder): t for t in tasks}
        try:
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        finally:
            for future in waiting:
                future.cancel()


def run_on_ray(
    tasks: list[Task], settings: BatchSettings, folder: Path, address: str | None
) -> Iterator[tuple[Task, Outcome]]:
    """Yield tasks as they finish on a Ray cluster whose machines all see the inputs and `folder`.

    address  of the cluster ("auto" finds a running one); None starts a local one with `settings.jobs` CPUs
    """
    ray = require("ray", "ray", "geo3d batch --ray")
    ray.init(address=address, num_cpus=settings.jobs if address is None else None, log_to_driver=False)
    try:
        remote = ray.remote(num_cpus=1, max_retries=settings.retries)(_safe)
        todo, waiting = list(reversed(tasks)), dict[Any, Task]()
        while todo or waiting:
            while todo and len(waiting) < _IN_FLIGHT:
                task = todo.pop()
                waiting[remote.remote(_absolute(task), settings, folder.resolve())] = task
            for reference in ray.wait(list(waiting))[0]:
                yield waiting.pop(reference), _result(ray, reference)
    finally:
        ray.shutdown()


def _result(ray: Any, reference: Any) -> Outcome:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome("failed", f"Ray gave up: {' '.join(str(error).split())[:500]}")


def _absolute(task: Task) -> Task:
    return Task(tuple(p.resolve() for p in task.inputs), task.output)


def _safe(task: Task, settings: BatchSettings, folder: Path) -> Outcome:
    """`run_task`, with a full disk or a vanished folder as a failure of this task alone."""
    try:
        return run_task(task, settings, folder)
    except OSError as error:
        return Outcome("failed", str(error))
