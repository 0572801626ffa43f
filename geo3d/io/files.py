"""How bytes come from disk: whole files, `.gz` and `.xz` unpacked with a bound, suffixes of one or two parts."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from geo3d.errors import FormatError

COMPRESSED_SUFFIXES = (".gz", ".xz")

# A packed cloud rarely shrinks more than 20 times.  Anything far beyond is a bomb.
_UNPACK_RATIO = 250
_UNPACK_FREE = 64 << 20
_CHUNK = 4 << 20


def existing_file(path: str | Path) -> Path:
    """Return `path` if it is a file that can be read as one, else raise `FormatError`."""
    path = Path(path)
    if path.is_dir():
        raise FormatError(f"{path} is a folder, a file is needed")
    if not path.exists():
        raise FormatError(f"{path}: no such file")
    return path


def read_bytes(path: str | Path) -> bytes:
    """Return the whole content of a file, unpacked if its name ends in `.gz` or `.xz`.

    Unpacking stops with `FormatError` at 64 MiB plus 250 times the packed size.
    """
    path = existing_file(path)
    suffix = path.suffix.lower()
    if suffix not in COMPRESSED_SUFFIXES:
        return path.read_bytes()
    limit = _UNPACK_FREE + _UNPACK_RATIO * path.stat().st_size
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.open(path) if suffix == ".gz" else lzma.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise FormatError(
                        f"{path} unpacks to more than {limit >> 20} MiB; unpack it by hand if you trust it"
                    )
                parts.append(chunk)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise FormatError(f"{path} is not a whole {suffix} file ({error})") from error
    return b"".join(parts)


def read_start(path: str | Path, size: int) -> bytes:
    """Return the first `size` bytes of a file, unpacked if need be; fewer if it ends before or is damaged there."""
    path = existing_file(path)
    suffix = path.suffix.lower()
    try:
        with gzip.open(path) if suffix == ".gz" else lzma.open(path) if suffix == ".xz" else path.open("rb") as stream:
            return bytes(stream.read(size))
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile):
        return b""


def bare_suffix(path: str | Path, known: tuple[str, ...]) -> str:
    """Return the lower-case suffix of a file name that stands in `known`, the longest one first, else the plain one.

    `.gz` and `.xz` are looked through: `a.PLY.xz` gives `.ply`.
    """
    name = Path(path).name.lower()
    for packed in COMPRESSED_SUFFIXES:
        name = name.removesuffix(packed)
    for suffix in sorted(known, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return suffix
    return Path(name).suffix


def is_compressed(path: str | Path) -> bool:
    """True for names that end in `.gz` or `.xz`."""
    return Path(path).suffix.lower() in COMPRESSED_SUFFIXES
