"""What `info` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo3d_compression.codecs import CODECS, codec_of
from geo3d_compression.container import ChunkType, Container
from geo3d_compression.container.layout import VERSION


def describe(source: Path | bytes, check: bool = False) -> dict[str, Any]:
    """The file's items with their sizes; a file with one item says everything at the top level too."""
    with Container(source) as container:
        items = [_describe_item(container, k) for k in range(len(container.items))]
        if check:
            for chunk in container.chunks:
                container.read(chunk)
        result: dict[str, Any] = {"bytes": container.bytes, "version": VERSION, "chunks": len(container.chunks)}
        if len(items) == 1:
            result = {**items[0], **result}
            units = result.get(codec_of(container.items[0].codec, "").unit)
            if units and "bytes_in" not in result:
                result["bits_per_unit"] = 8 * container.bytes / units
        else:
            result["codec"] = ", ".join(dict.fromkeys(i["codec"] for i in items))
        return {**result, **({"checked": True} if check else {}), "items": items}


def _describe_item(container: Container, k: int) -> dict[str, Any]:
    item = container.items[k]
    codec = codec_of(item.codec, item.name)
    sizes: dict[str, int] = {}
    for chunk in container.of(k):
        name = ChunkType(chunk.type).name.lower()
        sizes[name] = sizes.get(name, 0) + chunk.length
    return {
        "name": item.name, "kind": item.kind, "codec": next(n for n, c in CODECS.items() if c is codec),
        "model": item.model.hex() or None, **codec.describe(container, k), "item_bytes": sum(sizes.values()),
        "bytes_of": sizes,
    }  # fmt: skip
