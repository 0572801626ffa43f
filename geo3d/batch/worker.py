"""`python -m geo3d.batch.worker --memory-mb M -- VERB ...`: one call of the program under a memory limit."""

from __future__ import annotations

import runpy
import sys

# Environment variable with the number of the process that watches this one.
PARENT = "GEO3D_BATCH_PARENT"


def limit_memory(megabytes: int) -> bool:
    """Limit this process's private memory; False where the operating system cannot."""
    try:
        import resource
    except ImportError:
        return False
    # RLIMIT_DATA counts private writable memory on Linux; the address space is far larger than what is used.
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    try:
        resource.setrlimit(kind, (megabytes << 20, resource.getrlimit(kind)[1]))
    except (OSError, ValueError):
        return False
    return True


def end_with_parent() -> None:
    """Have Linux end this process when the one that started it dies: its task is then begun again elsewhere."""
    if sys.platform != "linux":
        return
    import ctypes
    import os
    import signal

    parent = os.environ.get(PARENT)
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    # It may have died before the call.
    if parent is not None and os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Run what stands after `--`, as `python -m geo3d.cli` would."""
    end_with_parent()
    split = arguments.index("--")
    if arguments[:split] and not limit_memory(int(arguments[1])):
        sys.stderr.write("geo3d batch: this system has no memory limit for a process; --memory-mb is not applied\n")
    sys.argv = ["geo3d", *arguments[split + 1 :]]
    runpy.run_module("geo3d.cli", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
