"""A cloud's metadata (what a file format's header said) as compact JSON."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from typing import Any

from geo3d.errors import BitstreamError

_LIMIT = 1 << 24
_log = logging.getLogger(__name__)


def pack_metadata(metadata: Mapping[str, Any]) -> bytes:
    """Compressed JSON, or nothing for an empty mapping; entries that JSON cannot hold are named in the log."""
    kept = {}
    for key, value in metadata.items():
        try:
            if json.loads(json.dumps(value, allow_nan=False)) is not None or value is None:
                kept[key] = value
        except (TypeError, ValueError):
            _log.warning("the metadata entry '%s' (%s) cannot be stored and is left out", key, type(value).__name__)
    text = json.dumps(kept, separators=(",", ":")).encode() if kept else b""
    return zlib.compress(text, 9) if 0 < len(text) <= _LIMIT else b""


def unpack_metadata(data: bytes) -> dict[str, Any]:
    """What `pack_metadata` packed."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, _LIMIT)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise BitstreamError("the metadata is truncated or longer than 16 MiB")
        value = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise BitstreamError(f"the metadata is damaged: {error}") from error
    if not isinstance(value, dict):
        raise BitstreamError("the metadata is not a mapping")
    return value
