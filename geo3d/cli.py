"""`geo3d VERB …`: finds the verbs by entry points, loads only the one that is called, turns errors into exit codes.

A verb is a function whose annotated parameters are its command line (tyro).  It returns None or an exit code.
Exit codes: 0 done, 1 failed (one line on stderr says what and what to do), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

from geo3d.errors import Geo3DError

ENTRY_POINT_GROUP = "geo3d.commands"


def commands() -> dict[str, EntryPoint]:
    """The installed verbs by name, own packages first, so that an outside package cannot replace one."""
    found = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: not e.value.startswith("geo3d"))
    result: dict[str, EntryPoint] = {}
    for entry in found:
        result.setdefault(entry.name, entry)
    return result


def _summary(entry: EntryPoint) -> str:
    try:
        doc = entry.load().__doc__ or ""
    except Exception as error:  # a broken outside package must not take the help away
        return f"(cannot be loaded: {error})"
    return doc.strip().splitlines()[0] if doc.strip() else ""


def _help() -> str:
    verbs = commands()
    width = max(map(len, verbs), default=0)
    lines = [f"  {name:<{width}}  {_summary(entry)}" for name, entry in verbs.items()]
    return "\n".join(
        [
            "usage: geo3d VERB … [--help]",
            "",
            "Register RGB-D scans, compress what a scan holds, reconstruct meshes, and look at the result.",
            "",
            *lines,
            "",
            "geo3d VERB --help says more, with examples.",
        ]
    )


def _call(function: Callable[..., Any], name: str, arguments: Sequence[str]) -> int:
    import inspect

    import tyro

    # tyro drops the sections of a docstring that it does not know, examples among them; keep all but the arguments.
    description = inspect.cleandoc(function.__doc__ or "").split("\nArgs:")[0].strip()
    result = tyro.cli(
        function,
        prog=f"geo3d {name}",
        description=description,
        args=list(arguments),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return int(result) if isinstance(result, int) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_help() + "\n")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        sys.stdout.write(f"geo3d-suite {version('geo3d-suite')}\n")
        return 0
    name = arguments[0]
    verbs = commands()
    if name not in verbs:
        sys.stderr.write(f"geo3d: unknown verb '{name}' (known: {', '.join(verbs)})\n")
        return 2
    try:
        return _call(verbs[name].load(), name, arguments[1:])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        sys.stderr.write(f"geo3d {name}: interrupted; nothing half-written was left behind\n")
        return 130
    except Geo3DError as error:
        sys.stderr.write(f"geo3d {name}: {_one_line(error)}\n")
    except BrokenPipeError:
        # The reader of our output is gone (e.g. `| head`); say nothing into a closed pipe.
        sys.stderr.close()
    except MemoryError:
        sys.stderr.write(f"geo3d {name}: out of memory; try a coarser --grid, fewer inputs or a smaller region\n")
    except OSError as error:
        about = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else _one_line(error)
        sys.stderr.write(f"geo3d {name}: {about}\n")
    return 1


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
