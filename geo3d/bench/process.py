"""Time and memory of a program, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

# A process begins with the largest memory of the one that started it: a small one stands in between.
_RUN = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([process.returncode, time.perf_counter() - start, usage.ru_utime + usage.ru_stime,
                  usage.ru_maxrss * unit]))
"""


@dataclass(frozen=True)
class Run:
    """Exit code (of a signal: its number, negative), seconds of the wall clock and of the processor, peak in bytes."""

    code: int
    seconds: float
    cpu_seconds: float
    peak: int


def run_measured(command: list[str], quiet: bool = False) -> Run:
    """Run a command with its standard output thrown away; `quiet`: what it says on stderr too."""
    words = [sys.executable, "-I", "-S", "-c", _RUN, *command]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, text=True, check=True
    )
    return Run(*json.loads(done.stdout))
