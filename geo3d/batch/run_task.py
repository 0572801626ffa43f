"""One task, in a process of its own: whatever happens in there, the batch goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

from geo3d.batch.settings import PROGRAM, BatchSettings
from geo3d.batch.tasks import Task, fingerprint
from geo3d.batch.warm import CAN_FORK, Ended, warm_program
from geo3d.batch.worker import PARENT

PARTIAL = ".partial"
# These mean the same at every try: failed with a reason, wrong usage, interrupted by a person.
_USAGE, _INTERRUPTED = 2, 130
_FINAL_CODES = (0, 1, _USAGE, _INTERRUPTED)
# Characters of a reason.
_LONGEST = 500
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# Verbs that name their output by a second position, not by -o.
_POSITIONAL_OUTPUT = ("convert",)


@dataclass(frozen=True)
class Outcome:
    """How a task ended: its state, the reason of a failure, tries, seconds of the last try, bytes of the output."""

    state: Literal["done", "failed"]
    reason: str = ""
    tries: int = 1
    seconds: float = 0.0
    bytes: int = 0


def run_task(task: Task, settings: BatchSettings, folder: Path, stop: Event | None = None) -> Outcome:
    """Run one task; its output appears in `folder` whole or not at all.  No try begins once `stop` is set.

    An output folder is made in `.partial` first and kept there after a failure, so that a verb that can go on does.
    """
    missing = [p for p in task.inputs if not p.exists()]
    if missing:
        return Outcome("failed", f"{missing[0]}: no such file or folder")
    mark = fingerprint(task, settings.verb, settings.options)[:12]
    place = folder / PARTIAL / mark
    place.mkdir(parents=True, exist_ok=True)
    partial = place / task.output
    reason, seconds = "interrupted", 0.0
    for attempt in range(1, settings.retries + 2):
        if stop is not None and stop.is_set():
            break
        if partial.is_file():
            partial.unlink()
        start = time.perf_counter()
        code, reason = _call(task, settings, partial)
        seconds = time.perf_counter() - start
        if code == 0 and not partial.exists():
            code, reason = 1, "the verb wrote nothing"
        if code == 0:
            _replace(partial, folder / task.output)
            shutil.rmtree(place, ignore_errors=True)
            return Outcome("done", "", attempt, seconds, size_of(folder / task.output))
        if code in _FINAL_CODES:
            break
    if not (partial.is_dir() and any(partial.iterdir())):
        shutil.rmtree(place, ignore_errors=True)
    return Outcome("failed", reason, attempt, seconds)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; -1 if it is not there."""
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size if path.is_file() else -1


def command_line(task: Task, settings: BatchSettings, output: Path) -> list[str]:
    """The words of one call."""
    limit = [] if settings.memory_mb is None else ["--memory-mb", str(settings.memory_mb)]
    to = [] if settings.verb[0] in _POSITIONAL_OUTPUT else ["-o"]
    inputs = [str(p) for p in task.inputs]
    return [*settings.program, *limit, "--", *settings.verb, *inputs, *to, str(output), *settings.options]


def _call(task: Task, settings: BatchSettings, output: Path) -> tuple[int, str]:
    """(exit code, reason); a negative code is a signal, 124 a timeout."""
    environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(settings.threads))
    words = command_line(task, settings, output)
    if CAN_FORK and settings.program == PROGRAM:
        code, stderr = warm_program(settings.verb[0], environment).call(words[len(PROGRAM) :], settings.timeout)
    else:
        code, stderr = _started(words, environment, settings.timeout)
    if code is None:
        return 124, f"took longer than {settings.timeout:g} s"
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = lines[-1].strip()[:_LONGEST] if lines else "no message"
    if code < 0:
        return code, f"the process was ended by {_signal_name(-code)}"
    if code == _USAGE:
        return code, f"wrong usage: {_usage(lines)}"[:_LONGEST]
    if settings.memory_mb is not None and ("MemoryError" in last or "out of memory" in last):
        return 1, f"--memory-mb {settings.memory_mb} is too little ({last})"
    # Python itself ends with 1 after an exception that nobody expected; such a crash is worth another try.
    if code == 1 and any(line.startswith("Traceback (most recent call last)") for line in lines):
        return 70, f"crashed: {last}"
    return code, last if code in _FINAL_CODES else f"exit code {code}: {last}"


def _usage(lines: list[str]) -> str:
    """What the frame says that is drawn around wrong usage, without its title and the helptext below the rule."""
    words = list[str]()
    for line in lines:
        text = line.strip().strip("│").strip()
        if text and not text.strip("─"):
            break
        if not text.startswith(("╭", "╰")):
            words.append(text)
    return " ".join(" ".join(words).split()) or "no message"


def _started(words: list[str], environment: dict[str, str], timeout: float | None) -> Ended:
    """Start a program and wait for its end."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            env=environment | {PARENT: str(os.getpid())},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ended(None, "")
    return Ended(done.returncode, done.stderr.decode("utf-8", "replace"))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _replace(new: Path, old: Path) -> None:
    """Put `new` where `old` may be; a folder cannot be replaced in one step, so the old one steps aside first."""
    if old.is_dir():
        aside = new.with_name(new.name + ".old")
        old.rename(aside)
    os.replace(new, old)
