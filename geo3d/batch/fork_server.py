"""`python -m geo3d.batch.fork_server VERB`: a process that has imported a verb and forks a child for every call of it.

A child is a process of its own, as a call of the program would be, but need not import what the ones before it
imported.  Requests and answers are lines of JSON on stdin and stdout:

    {"words": [...]}   ->   {"pid": n}, and when it has ended {"code": n, "stderr": "..."}

`words` are those of `geo3d.batch.worker`.  The server ends with its stdin.  Linux alone: elsewhere libraries do not
survive a fork.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import BinaryIO

from geo3d.batch.worker import PARENT, end_with_parent
from geo3d.batch.worker import main as call

# Packages that only define things when they are imported.  Others may start threads, which do not live on in a child.
_SAFE = (
    *("geo3d", "geo3d_compression", "geo3d_recon", "geo3d_viewer"),
    *("numpy", "scipy", "numba", "llvmlite", "torch", "torch_geometric"),
    *("PIL", "imagecodecs", "tifffile", "tyro", "rich", "yaml", "safetensors", "xxhash"),
)
# From so many calls it learns what a call imports.
_LESSONS = 2
_MOST_STDERR = 1 << 20


def serve(verb: str) -> list[str]:
    """Answer requests until there are no more, which ends the process; in a child, return the words to call."""
    end_with_parent()
    # Of Ctrl-C the call alone hears, and ends as a call does (or does not, under `nohup` and the like).
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    _import_verb(verb)
    # Asked before the fork: a child may live on after it for a moment, and would then find another parent.
    server, lessons = str(os.getpid()), 0
    while line := _line(0):
        errors, modules = os.memfd_create("stderr"), os.memfd_create("modules")
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, on_interrupt)
            os.environ[PARENT] = server
            os.dup2(nothing, 0)
            os.dup2(errors, 2)
            if lessons < _LESSONS:
                atexit.register(_tell_modules, modules)
            return list(json.loads(line)["words"])
        _say(answers, pid=pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _say(answers, code=code, stderr=_content(errors, _MOST_STDERR).decode("utf-8", "replace"))
        if code == 0 and lessons < _LESSONS:
            lessons += 1
            _import_safe(_content(modules).decode().split())
        os.close(errors)
        os.close(modules)
    sys.exit(0)


def _import_verb(verb: str) -> None:
    # What is wrong with the verb, a child will say.
    _import_safe([entry.module for entry in entry_points(group="geo3d.commands") if entry.name == verb])


def _import_safe(names: list[str]) -> None:
    for name in names:
        if name not in sys.modules and name.partition(".")[0] in _SAFE and not name.endswith("__main__"):
            try:
                import_module(name)
            except Exception:  # importing ahead only saves time
                continue


def _tell_modules(file: int) -> None:
    os.write(file, "\n".join(n for n in list(sys.modules) if n.partition(".")[0] in _SAFE).encode())


def _line(file: int) -> bytes:
    """The next line, read byte by byte: what is buffered would be a child's too."""
    line = b""
    while (byte := os.read(file, 1)) not in (b"", b"\n"):
        line += byte
    return line


def _content(file: int, most: int | None = None) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, size if most is None else min(size, most), 0 if most is None else max(0, size - most))


def _say(answers: BinaryIO, **values: object) -> None:
    answers.write(json.dumps(values).encode() + b"\n")


if __name__ == "__main__":
    call(serve(sys.argv[1]))
