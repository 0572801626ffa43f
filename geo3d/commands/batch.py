"""The verb `batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def batch(
    verb: tyro.conf.Positional[str],
    inputs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="INPUTS…")] = (),
    /,
    *,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT")],
    options: str = "",
    inputs_from: Path | None = None,
    suffix: str | None = None,
    whole: bool = False,
    jobs: int = 1,
    ray: tuple[str, ...] | None = None,
    retries: int = 1,
    timeout: float | None = None,
    memory_mb: int | None = None,
    threads: int = 1,
    json: bool = False,
) -> int:
    """Run a verb over many inputs, each in a process of its own.

    A folder stands for the files and RGB-D folders in it. Outputs take the inputs' names and appear whole or not at
    all. What fails (a broken file, a process that was killed) does not stop the rest: manifest.json says what and why.
    The same command again does only what is missing or has changed. Exit code 1 if anything failed.

    Examples:
      geo3d batch compress clouds/ -o packed --jobs 2 --options="--grid 0.001"
      geo3d batch scan recordings/ -o scans --memory-mb 4000
      geo3d batch "export nerfstudio" scans/ -o ns
      geo3d batch register --inputs-from pairs.txt -o poses
      geo3d batch convert clouds/ -o las --suffix .laz --ray

    Args:
        verb: of geo3d, with its subcommand in quotes.
        inputs: files and folders.
        output: folder for the outputs and manifest.json.
        options: words for each call, in one string.
        inputs_from: text file with the inputs of one call a line.
        suffix: of the outputs (default: what the verb usually writes).
        whole: take each folder as one input.
        jobs: calls at the same time.
        ray: run on a Ray cluster at ADDRESS, or on a local one.
        retries: how often a call is tried again that was killed, crashed or took too long.
        timeout: seconds a try.
        memory_mb: limit of a call's memory, where the system has one.
        threads: of each call.
        json: print one JSON object.
    """
    import shlex
    from collections import Counter
    from importlib.metadata import entry_points

    from geo3d.batch import BatchSettings, find_tasks, read_task_list, run_batch
    from geo3d.console import report, say
    from geo3d.errors import FormatError

    try:
        words, extra = tuple(shlex.split(verb)), tuple(shlex.split(options))
    except ValueError as error:
        raise FormatError(f"the verb or --options cannot be split into words: {error}") from None
    known = [name for name in entry_points(group="geo3d.commands").names if name != "batch"]
    if not words or words[0] not in known:
        raise FormatError(f"unknown verb '{verb}' (known: {', '.join(sorted(known))})")
    if not whole and output.resolve() in {p.resolve() for p in inputs}:
        raise FormatError(f"-o {output} is an input too: its outputs would be inputs of the next run; give another")
    tasks = find_tasks(words[0], list(inputs), suffix, whole) if inputs else []
    if inputs_from is not None:
        known_inputs = {tuple(p.resolve() for p in t.inputs) for t in tasks}
        listed = read_task_list(words[0], inputs_from, suffix)
        tasks += [t for t in listed if tuple(p.resolve() for p in t.inputs) not in known_inputs]
    if not tasks:
        raise FormatError("a batch needs inputs: give files, folders or --inputs-from LIST")
    if shared := [name for name, count in Counter(t.output for t in tasks).items() if count > 1]:
        raise FormatError(
            f"an input of the command line and one of --inputs-from would both become '{shared[0]}'; "
            "put all of them into the list, or run them as two batches"
        )
    if ray is not None and len(ray) > 1:
        raise FormatError(f"--ray takes one address, got {' '.join(ray)}; put the inputs before it")
    settings = BatchSettings(words, extra, jobs, retries, timeout, memory_mb, threads)
    result = run_batch(tasks, settings, output, on_ray=ray is not None, address=ray[0] if ray else None)
    for name, reason in result.failed.items():
        say(f"{name} failed: {reason}")
    numbers = {"output": str(output), "made": result.made, "kept": result.kept}
    report({**numbers, "failed": result.failed if json else len(result.failed)}, as_json=json)
    return int(bool(result.failed))
