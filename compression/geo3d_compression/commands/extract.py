"""Items of a container to files: one file, or a folder of them that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d_compression.codecs import CODECS, View, codec_of
from geo3d_compression.container import Container


def pick(container: Container, name: str | None) -> list[int]:
    """Numbers of the wanted items."""
    if not container.items:
        raise BitstreamError(f"{container.name} holds nothing")
    if name is None:
        return list(range(len(container.items)))
    found = [k for k, item in enumerate(container.items) if item.name == name]
    if not found:
        known = ", ".join(item.name for item in container.items[:20])
        raise Geo3DError(f"{container.name} has no item '{name}' (items: {known})")
    return found


def extract(container: Container, items: Sequence[int], output: Path, view: View) -> list[dict[str, Any]]:
    """Write items to `output` and say of each what came out."""
    if len(items) == 1 and not output.is_dir():
        return [_write(container, items[0], output, view)]
    if output.exists() and not output.is_dir():
        raise FormatError(f"-o {output} is a file, but {container.name} holds {len(items)} items; give a folder")
    parent = output.resolve().parent
    if not parent.is_dir():
        raise FormatError(f"cannot write {output}: the folder {parent} does not exist")
    work = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
    try:
        rows, made = [], []
        for k in items:
            target = _target(container, k)
            (work / target).parent.mkdir(parents=True, exist_ok=True)
            try:
                rows.append(_write(container, k, work / target, view))
                made.append(target)
            except BitstreamError as error:
                if not view.salvage:
                    raise
                view.losses.append(f"'{container.items[k].name}': {error}")
        if not rows:
            raise BitstreamError(f"nothing of {container.name} could be decoded: {view.losses[0]}")
        for target in made:
            (output / target).parent.mkdir(parents=True, exist_ok=True)
            os.replace(work / target, output / target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return rows


def _write(container: Container, item: int, target: Path, view: View) -> dict[str, Any]:
    about = container.items[item]
    codec = codec_of(about.codec, about.name)
    name = next(n for n, c in CODECS.items() if c is codec)
    outcome = codec.decompress(container, item, target, view)
    row = {"name": about.name, "codec": name, codec.unit: outcome.count, **outcome.details}
    profile = codec.describe(container, item).get("profile")
    return row if profile is None else {**row, "profile": profile}


def _target(container: Container, item: int) -> Path:
    """Where an item goes inside the folder: its name, kept inside, with a suffix that its codec can write."""
    about = container.items[item]
    parts = PurePosixPath(about.name.replace("\\", "/")).parts
    if not parts or any(p in ("..", "/") or ":" in p for p in parts):
        raise BitstreamError(f"the item name '{about.name}' would leave the output folder; pick it with --item")
    path = Path(*parts)
    suffixes = codec_of(about.codec, about.name).suffixes
    return path if not suffixes or path.suffix.lower() in suffixes else path.with_name(path.name + suffixes[0])
