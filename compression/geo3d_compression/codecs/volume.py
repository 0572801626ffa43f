"""Volumes of every format that the front end reads and writes."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import BitstreamError, Geo3DError
from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Blob, Choice, Cursor, UInt, pack, unpack

_SOURCES = ("", "nifti", "nrrd", "dicom", "npy", "tiff")
_MOST_HEADER = 1 << 28
_FIELDS = (Choice("source", _SOURCES), UInt("has_affine", 1), Blob("header", _MOST_HEADER))


class VolumeCodec:
    """Voxels, affine and the source's own header, all exactly: see `geo3d_compression.volume`."""

    number = 8
    kind = "volume"
    unit: Unit = "voxels"
    suffixes: tuple[str, ...] = (".nii", ".gz", ".nrrd", ".npy", ".tif", ".tiff", "")

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        from geo3d.io.volumes import read_volume
        from geo3d_compression.volume import VolumeOptions, encode_volume

        if request.quality is not None or request.grid is not None or request.bits is not None:
            raise Geo3DError("volumes are kept exactly; --quality, --grid and --bits have no meaning for them")
        volume = read_volume(source)
        item = writer.add_item(Item(name, self.kind, self.number))
        encode_volume(volume.voxels, writer, item, VolumeOptions(request.profile, request.group, request.threads))
        if volume.affine is not None or volume.header:
            header = lzma.compress(volume.header, preset=6) if volume.header else b""
            head = pack(_FIELDS, {
                "source": volume.source, "has_affine": int(volume.affine is not None), "header": header,
            })  # fmt: skip
            affine = b"" if volume.affine is None else volume.affine.astype("<f8").tobytes()
            writer.add_chunk(item, ChunkType.METADATA, head + affine)
        return Outcome(volume.voxels.size, {"dtype": volume.voxels.dtype.name, "shape": list(volume.voxels.shape)})

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        from geo3d.io.volumes import Volume, write_volume
        from geo3d_compression.volume import decode_volume

        if view.level is not None or view.bbox is not None:
            raise Geo3DError(
                "a volume has no levels and no --bbox; geo3d_compression.volume.decode_volume reads slices"
            )
        source, affine, header = _metadata(container, item)
        voxels = decode_volume(container, item, threads=view.threads, losses=view.losses if view.salvage else None)
        write_volume(target, Volume(voxels, affine, source, header))
        return Outcome(voxels.size)

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        from geo3d_compression.volume.codec import read_header

        h = read_header(container, item)
        source, affine, _ = _metadata(container, item)
        return {
            "profile": h.profile, "voxels": int(np.prod(h.shape)), "shape": list(h.shape), "dtype": h.dtype.name,
            "values": h.values.form, "groups": h.groups, "slices_per_group": h.group, "source": source or None,
            "affine": None if affine is None else affine.tolist(),
        }  # fmt: skip


def _metadata(container: Container, item: int) -> tuple[str, Any, bytes]:
    """(source, affine or None, header of the source's format)."""
    if container.find(item, ChunkType.METADATA) is None:
        return "", None, b""
    cursor = Cursor(container.need(item, ChunkType.METADATA), "volume metadata")
    fields = unpack(_FIELDS, cursor)
    affine = np.frombuffer(cursor.take(128), "<f8").astype(np.float64).reshape(4, 4) if fields["has_affine"] else None
    cursor.finish()
    return fields["source"], affine, _unpack(fields["header"])


def _unpack(packed: bytes) -> bytes:
    if not packed:
        return b""
    unpacker = lzma.LZMADecompressor(memlimit=1 << 28)
    try:
        header = unpacker.decompress(packed, _MOST_HEADER)
    except lzma.LZMAError as error:
        raise BitstreamError(f"the header of a volume is damaged: {error}") from error
    if not unpacker.eof:
        raise BitstreamError("the header of a volume is truncated or too long")
    return header
