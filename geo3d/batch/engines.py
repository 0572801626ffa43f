"""Who runs the tasks: threads that each watch one process at a time, or a Ray cluster.  Only paths travel."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from geo3d.batch.run_task import Outcome, run_task
from geo3d.batch.settings import BatchSettings
from geo3d.batch.tasks import Task
from geo3d.batch.warm import end_calls
from geo3d.errors import Geo3DError
from geo3d.optional import require

# Tasks submitted to Ray and not finished yet, so that a long list does not flood its scheduler.
_IN_FLIGHT = 1000
# Only paths travel: the least that Ray takes.
_STORE = 80 << 20
# Seconds between two looks at what this process does itself.
_GLANCE = 0.2


def run_here(tasks: list[Task], settings: BatchSettings, folder: Path) -> Iterator[tuple[Task, Outcome]]:
    """Yield tasks as they finish, `settings.jobs` at the same time on this machine.

    Interrupted, or closed before its end, it ends the tasks that are running.
    """
    stop, running = Event(), set[Task]()

    def run(task: Task) -> Outcome:
        running.add(task)
        try:
            return _safe(task, settings, folder, stop)
        finally:
            running.discard(task)

    with ThreadPoolExecutor(settings.jobs) as pool:
        waiting = dict[Future[Outcome], Task]()
        try:
            for task in tasks:
                waiting[pool.submit(run, task)] = task
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            stop.set()
            # Of a task that was being submitted there is no future here.
            pool.shutdown(wait=False, cancel_futures=True)
            # Again and again: a thread may have been about to begin a call.
            while running:
                end_calls()
                time.sleep(_GLANCE)
            raise


def run_on_ray(
    tasks: list[Task], settings: BatchSettings, folder: Path, address: str | None
) -> Iterator[tuple[Task, Outcome]]:
    """Yield tasks as they finish on a Ray cluster whose machines all see the inputs and `folder`.

    address  of the cluster ("auto" finds a running one); None starts a local one with `settings.jobs` CPUs.  That takes
             seconds, in which this process works on the first tasks itself.
    """
    todo = deque(tasks)
    if find_spec("ray") is None:
        require("ray", "ray", "geo3d batch --ray")
    meanwhile = _Meanwhile(settings.jobs if address is None else 0, todo, lambda t: _safe(t, settings, folder))
    ray: Any = None
    try:
        ray = require("ray", "ray", "geo3d batch --ray")
        alone = {"num_cpus": settings.jobs, "num_gpus": 0, "object_store_memory": _STORE, "include_dashboard": False}
        try:
            ray.init(address=address, log_to_driver=False, **(alone if address is None else {}))
        # Ray raises whatever comes first when it cannot start or be reached.
        except Exception as error:
            what = "did not start" if address is None else f"at {address} cannot be reached"
            raise Geo3DError(f"Ray {what}: {error}; --jobs N runs the tasks without it") from error
        meanwhile.end()
        remote = ray.remote(num_cpus=1, max_retries=settings.retries)(_safe)
        waiting = dict[Any, Task]()
        while todo or waiting or meanwhile.has_more:
            # Tasks that this process has begun use CPUs that Ray counts as its own.
            room = _IN_FLIGHT if address is not None else 2 * settings.jobs - meanwhile.running
            while len(waiting) < room and (task := meanwhile.take()) is not None:
                waiting[remote.remote(_absolute(task), settings, folder.resolve())] = task
            if waiting:
                for reference in ray.wait(list(waiting), timeout=_GLANCE if meanwhile.running else None)[0]:
                    yield waiting.pop(reference), _result(ray, reference)
            yield from meanwhile.finished(wait=not waiting)
    finally:
        meanwhile.end()
        if ray is not None:
            ray.shutdown()


class _Meanwhile:
    """Threads that take tasks from `todo` until told to end."""

    def __init__(self, jobs: int, todo: deque[Task], run: Callable[[Task], Outcome]) -> None:
        self._todo, self._run = todo, run
        self._lock, self._is_over = Lock(), False
        self._done: SimpleQueue[tuple[Task, Outcome]] = SimpleQueue()
        self._unread = self.running = 0
        for _ in range(min(jobs, len(todo))):
            Thread(target=self._work, daemon=True).start()

    def take(self) -> Task | None:
        """The next task, which is then the caller's."""
        with self._lock:
            return self._todo.popleft() if self._todo else None

    def end(self) -> None:
        """Begin no more tasks; those that are running go on."""
        with self._lock:
            self._is_over = True

    @property
    def has_more(self) -> bool:
        """True while there are results that nobody has read, or will be."""
        with self._lock:
            return bool(self._unread)

    def finished(self, wait: bool) -> Iterator[tuple[Task, Outcome]]:
        """Results so far; with `wait` at least one, if one is still to come."""
        while self.has_more and (wait or not self._done.empty()):
            yield self._done.get()
            wait = False
            with self._lock:
                self._unread -= 1

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._is_over or not self._todo:
                    return
                task = self._todo.popleft()
                self._unread += 1
                self.running += 1
            outcome = self._run(task)
            with self._lock:
                self.running -= 1
            self._done.put((task, outcome))


def _result(ray: Any, reference: Any) -> Outcome:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome("failed", f"Ray gave up: {' '.join(str(error).split())[:500]}")


def _absolute(task: Task) -> Task:
    return Task(tuple(p.resolve() for p in task.inputs), task.output)


def _safe(task: Task, settings: BatchSettings, folder: Path, stop: Event | None = None) -> Outcome:
    """`run_task`, with a full disk or a vanished folder as a failure of this task alone."""
    try:
        return run_task(task, settings, folder, stop)
    except OSError as error:
        return Outcome("failed", str(error))
