"""What a batch has to do: which inputs make one task, and the name of its output."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.files import COMPRESSED_SUFFIXES
from geo3d.io.rgbd import RGBD_FORMATS
from geo3d.io.rgbd.recordings import RECORDING_FORMATS

# What the verbs write; "" is a folder.
OUTPUT_SUFFIXES = {
    "compress": ".g3c",
    "decompress": ".ply",
    "reconstruct": ".ply",
    "register": ".json",
    "scan": "",
    "export": "",
}


@dataclass(frozen=True)
class Task:
    """One call of the verb: its inputs, and its output's name in the batch's folder."""

    inputs: tuple[Path, ...]
    output: str


def find_tasks(verb: str, inputs: list[Path], suffix: str | None = None, whole: bool = False) -> list[Task]:
    """One task for each input file and RGB-D folder; any other folder stands for the files and RGB-D folders in it.

    suffix  of the outputs; None means the verb's usual one
    whole   take every folder as one input
    """
    return _named(verb, [(p,) for given in inputs for p in _expand(verb, given, whole)], suffix)


def read_task_list(verb: str, path: Path, suffix: str | None = None) -> list[Task]:
    """Tasks of a text file: a line a task with one path or more (quoted as in a shell), `#` starts a comment.

    Relative paths count from the file's folder.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} cannot be read as a list of inputs: {error}") from error
    groups: list[tuple[Path, ...]] = []
    for number, line in enumerate(lines, start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise FormatError(f"{path}, line {number}: {error}") from None
        if words:
            groups.append(tuple(path.parent / w for w in words))
    return _named(verb, groups, suffix)


def fingerprint(task: Task, verb: tuple[str, ...], options: tuple[str, ...]) -> str:
    """Changes when the call or an input does (by the size and time of its files)."""
    digest = hashlib.sha256(repr((verb, options, task.output)).encode())
    for given in task.inputs:
        files = sorted(p for p in given.rglob("*") if p.is_file()) if given.is_dir() else [given]
        for file in files:
            status = file.stat() if file.exists() else None
            seen = None if status is None else (status.st_size, status.st_mtime_ns)
            digest.update(repr((str(file.resolve()), seen)).encode())
    return digest.hexdigest()


def _expand(verb: str, given: Path, whole: bool) -> list[Path]:
    if whole or not given.is_dir() or _is_rgbd(given) or (verb == "export" and _is_exported(given)):
        return [given]
    children = sorted(p for p in given.iterdir() if not p.name.startswith("."))
    if verb == "export":
        found = [p for p in children if _is_rgbd(p) or _is_exported(p)]
    elif verb == "scan":
        found = [p for p in children if _is_rgbd(p)]
    else:
        found = [p for p in children if p.is_file() or _is_rgbd(p)]
    if not found:
        raise FormatError(f"{given} holds nothing for `{verb}`; --whole takes the folder itself as one input")
    return found


def _is_rgbd(folder: Path) -> bool:
    return folder.is_dir() and any(layout.detect(folder) for layout in RGBD_FORMATS.values())


def _is_exported(path: Path) -> bool:
    """True for what `export` takes beside RGB-D folders: the output of a scan, a recording."""
    return (path / "poses.txt").is_file() or any(kind.detect(path) for kind in RECORDING_FORMATS.values())


def _named(verb: str, groups: list[tuple[Path, ...]], suffix: str | None) -> list[Task]:
    # One input by two ways (given twice, through a link) is one task.
    different: dict[tuple[Path, ...], tuple[Path, ...]] = {}
    for group in groups:
        different.setdefault(tuple(p.resolve() for p in group), group)
    groups = list(different.values())
    if not groups:
        raise FormatError("a batch needs at least one input")
    if suffix is None:
        if verb not in OUTPUT_SUFFIXES:
            raise FormatError(f"give --suffix: what `{verb}` writes is not known (known: {', '.join(OUTPUT_SUFFIXES)})")
        suffix = OUTPUT_SUFFIXES[verb]
    names = ["-".join(_stem(p) for p in group) for group in groups]
    clash = {n for n, count in Counter(names).items() if count > 1}
    names = [
        f"{g[0].resolve().parent.name}-{_stem(g[0], keep=True)}" if n in clash else n
        for g, n in zip(groups, names, strict=True)
    ]
    twice = [n for n, count in Counter(names).items() if count > 1]
    if twice:
        raise FormatError(f"{len(twice)} outputs would have the same name, as '{twice[0]}'; run them as two batches")
    return [Task(g, n + suffix) for g, n in zip(groups, names, strict=True)]


def _stem(path: Path, keep: bool = False) -> str:
    """The name without its suffixes; with `keep` the suffix stays, as `chair_obj`."""
    name = path.resolve().name
    if path.is_dir():
        return name
    if keep:
        return name.replace(".", "_")
    bare = Path(name)
    return Path(bare.stem).stem if bare.suffix.lower() in COMPRESSED_SUFFIXES else bare.stem
