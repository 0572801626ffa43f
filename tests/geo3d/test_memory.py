"""Peaks of memory are those of the process that was asked about, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys

from geo3d.bench.process import run_measured
from geo3d.memory import peak_bytes

# A process of 300 MB that measures a small one, and a small one that grows.
_LARGE = """
import sys
from geo3d.bench.process import run_measured
held = bytearray(b"1") * 300_000_000
print(run_measured([sys.executable, "-S", "-c", "from geo3d.memory import peak_bytes; assert peak_bytes() < 1e8"]))
"""


def test_a_small_process_is_small_whoever_starts_it() -> None:
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    run = dict(part.split("=") for part in done.stdout.strip()[len("Run(") : -1].split(", "))
    assert run["code"] == "0", done.stderr
    assert 3e6 < int(run["peak"]) < 1e8


def test_time_memory_and_exit_code_of_a_program() -> None:
    run = run_measured(
        [sys.executable, "-S", "-c", "x = bytearray(b'1') * 90_000_000; sum(range(10**6)); raise SystemExit(3)"]
    )
    assert run.code == 3
    assert run.peak > 90_000_000
    assert run.cpu_seconds > 0
    assert run.seconds > 0
    assert run_measured([sys.executable, "-S", "-c", "import os; os.abort()"], quiet=True).code < 0


def test_what_this_process_took_is_counted() -> None:
    before = peak_bytes()
    held = bytearray(b"1") * 50_000_000
    assert peak_bytes() >= max(before, len(held))
