"""The other side of `fork_server`: calls that find the program imported already."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import IO, NamedTuple

from geo3d.batch.worker import PARENT

CAN_FORK = sys.platform == "linux"
_LOCK = threading.Lock()


class Ended(NamedTuple):
    """How a call ended: its exit code (a negative one is a signal), None after a timeout; what it wrote to stderr."""

    code: int | None
    stderr: str


class WarmProgram:
    """A server of one verb in one environment, which makes one call at a time."""

    def __init__(self, verb: str, environment: dict[str, str]) -> None:
        self.key = verb, environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", "geo3d.batch.fork_server", verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {PARENT: str(os.getpid())},
            # Whether an answer is there is asked of the pipe, so none may hide in a buffer.
            bufsize=0,
        )
        with _LOCK:
            _ALL.add(self)

    def call(self, words: list[str], timeout: float | None) -> Ended:
        """Call the program.  A call whose server is killed counts as killed."""
        end = None if timeout is None else time.monotonic() + timeout
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        try:
            requests.write(json.dumps({"words": words}).encode() + b"\n")
            requests.flush()
            pid = int(json.loads(answers.readline())["pid"])
            is_late = end is not None and not _has_answer(answers, end)
            if is_late:
                os.kill(pid, signal.SIGKILL)
            answer = json.loads(answers.readline())
        except (OSError, ValueError):
            self.close()
            return Ended(-signal.SIGKILL, "")
        return Ended(None if is_late else int(answer["code"]), answer["stderr"])

    def kill(self) -> None:
        """End the server, and what it may be calling; any thread may ask for it."""
        self._process.kill()

    def close(self) -> None:
        """End the server, and what it may be calling."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __del__(self) -> None:
        # Its thread has ended, or the program.
        with suppress(Exception):
            self.close()

    @property
    def is_open(self) -> bool:
        """False once it was closed or killed."""
        return self._process.poll() is None


# Servers of all threads, for who ends them all.
_ALL: weakref.WeakSet[WarmProgram] = weakref.WeakSet()


class _OfThread(threading.local):
    program: WarmProgram | None = None


_MINE = _OfThread()


def warm_program(verb: str, environment: dict[str, str]) -> WarmProgram:
    """This thread's server, which lives until the thread asks for another or `let_go`."""
    mine = _MINE.program
    if mine is None or not mine.is_open or mine.key != (verb, environment):
        let_go()
        mine = _MINE.program = WarmProgram(verb, environment)
    return mine


def let_go() -> None:
    """End this thread's server."""
    if _MINE.program is not None:
        _MINE.program.close()
        _MINE.program = None


def end_calls() -> None:
    """End what the servers of all threads are calling, and the servers; for their threads they were killed."""
    with _LOCK:
        programs = list(_ALL)
    for program in programs:
        program.kill()


def _has_answer(answers: IO[bytes], end: float) -> bool:
    return bool(select.select([answers], [], [], max(0.0, end - time.monotonic()))[0])
