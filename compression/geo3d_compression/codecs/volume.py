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

        if view.level is not None:
            raise Geo3DError("a volume has no levels; --bbox takes a part of it")
        losses = view.losses if view.salvage else None
        if view.bbox is not None:
            volume = _crop(container, item, view.bbox, view.threads, losses)
        else:
            source, affine, header = _metadata(container, item)
            voxels = decode_volume(container, item, threads=view.threads, losses=losses)
            volume = Volume(voxels, affine, source, header)
        write_volume(target, volume)
        return Outcome(volume.voxels.size)

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        from geo3d_compression.volume.codec import read_header

        h = read_header(container, item)
        source, affine, _ = _metadata(container, item)
        return {
            "profile": h.profile, "voxels": int(np.prod(h.shape)), "shape": list(h.shape), "dtype": h.dtype.name,
            "values": h.values.form, "groups": h.groups, "slices_per_group": h.group, "source": source or None,
            "affine": None if affine is None else affine.tolist(),
        }  # fmt: skip


def _crop(container: Container, item: int, bbox: Any, threads: int, losses: list[str] | None) -> Any:
    """The voxels from (x, y, z) to (x, y, z), both included, decoding only the groups of slices that hold them."""
    from geo3d.io.volumes import Volume
    from geo3d_compression.volume import decode_volume
    from geo3d_compression.volume.codec import read_header

    shape = read_header(container, item).shape
    low, high = np.array(bbox[:3]), np.array(bbox[3:])
    whole = (low == np.rint(low)).all() and (high == np.rint(high)).all()
    if len(shape) != 3 or not whole or (low < 0).any() or (low > high).any() or (high >= shape[::-1]).any():
        raise Geo3DError(
            f"of a volume, --bbox is the first and the last voxel X Y Z, whole numbers inside {list(shape[::-1])} "
            f"(3-D only), got {list(bbox)}"
        )
    (x, y, z), (x2, y2, z2) = low.astype(int).tolist(), high.astype(int).tolist()
    voxels = decode_volume(container, item, slices=(z, z2 + 1), threads=threads, losses=losses)
    _, affine, _ = _metadata(container, item)
    if affine is not None:
        affine[:3, 3] += affine[:3, :3] @ low
    # The source's own header speaks of the whole volume, so a part is written with a new one.
    return Volume(np.ascontiguousarray(voxels[:, y : y2 + 1, x : x2 + 1]), affine)


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
