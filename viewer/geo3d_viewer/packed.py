"""Pictures, volumes and RGB-D folders inside `.g3c` files, decoded to where their readers find them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from geo3d.errors import FormatError


def kinds(path: Path) -> tuple[str, ...]:
    """The kinds of the items in a `.g3c` file, in order; () for any other file."""
    if path.suffix.lower() != ".g3c" or not path.is_file():
        return ()
    from geo3d_compression.container import Container

    with Container(path) as container:
        return tuple(item.kind for item in container.items)


@contextmanager
def unpacked(path: Path, kind: str) -> Iterator[Path]:
    """Decode the first item of a kind; the file or folder that it becomes is gone afterwards."""
    from geo3d_compression.codecs import View, codec_of
    from geo3d_compression.container import Container

    with Container(path) as container, tempfile.TemporaryDirectory() as folder:
        for number, item in enumerate(container.items):
            if item.kind == kind:
                # Only the last part: an item's name comes from the file and must not lead out of the folder.
                target = Path(folder) / (PurePath(item.name).name or "item")
                codec_of(item.codec, item.name).decompress(container, number, target, View())
                yield target
                return
    raise FormatError(f"{path} holds no {kind}")
