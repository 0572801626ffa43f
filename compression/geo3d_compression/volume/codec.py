"""Volumes in a container: header, list of values, one chunk for each group of slices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.container import ChunkType, Container, ContainerWriter
from geo3d_compression.container.fields import Blob, Choice, Cursor, SInt, UInt, pack, unpack
from geo3d_compression.parallel import ordered_map
from geo3d_compression.volume.alphabet import FORMS, Values, choose, parse
from geo3d_compression.volume.bricks import BRICK, find_bricks, mask_model, pack_bricks, unpack_bricks
from geo3d_compression.volume.patterns import DTYPES, from_integers, to_integers
from geo3d_compression.volume.plan import make_plan
from geo3d_compression.volume.prior.weights import prior_id
from geo3d_compression.volume.profiles import BY_NUMBER, PROFILES, Profile, Settings
from geo3d_compression.volume.spikes import MOST_SPIKES
from geo3d_compression.volume.stream import decode_group, encode_group

VERSION = 3
_MOST_BYTES = 1 << 38
_GROUP_VOXELS = 1 << 26
# The cheapest voxel costs log2(65536 / 65535) bits.
_VOXELS_PER_BYTE = 370_000

_FIELDS = (
    UInt("version", VERSION, low=VERSION),
    UInt("profile", max(BY_NUMBER)),
    Choice("dtype", DTYPES),
    Choice("form", FORMS),
    SInt("first", 1 << 63),
    SInt("last", 1 << 63),
    UInt("group", 1 << 31, low=1),
    UInt("bricks", 1),
    Blob("mask_model", 16),
    Blob("prior", 16),
    UInt("spikes", MOST_SPIKES),
    UInt("dimensions", 4, low=1),
)
_SIDE = UInt("side", 1 << 31, low=1)
_SPIKE = UInt("spike", 1 << 33)


@dataclass(frozen=True)
class VolumeOptions:
    """Options of `encode_volume`.

    profile  fast: speed first; best: size first
    group    slices in each independently decodable group; None: 2 or more groups for fast, as few as memory allows
             for best
    threads  groups coded at the same time
    """

    profile: Profile = "fast"
    group: int | None = None
    threads: int = 2


@dataclass(frozen=True)
class VolumeHeader:
    """What a stored volume is."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    profile: Profile
    group: int
    values: Values
    bricks: bool
    spikes: NDArray[np.int64]

    @property
    def slices(self) -> tuple[int, int, int]:
        """(S, H, W) as coded."""
        return _slices(self.shape)

    @property
    def groups(self) -> int:
        return -(-self.slices[0] // self.group)


def encode_volume(voxels: NDArray[Any], writer: ContainerWriter, item: int, options: VolumeOptions) -> None:
    """Add the chunks of a volume to an announced item.

    Parameters
    ----------
    voxels : [Z, Y, X] or [T, Z, Y, X] (also [Y, X], [X]); any numeric dtype; may be a memory map, which is read
        group by group.  In 4-D each place's times are coded in succession.
    """
    if voxels.dtype.name not in DTYPES or not 1 <= voxels.ndim <= 4 or not voxels.size:
        raise ShapeError(
            f"a volume has 1 to 4 dimensions and a dtype of {', '.join(DTYPES)}, got {voxels.dtype} "
            f"{list(voxels.shape)}"
        )
    if options.group is not None and options.group < 1:
        raise ShapeError(f"--group must be at least 1 slice, got {options.group}")
    count, height, width = _slices(voxels.shape)

    def take(first: int, last: int) -> NDArray[np.int64]:
        return to_integers(_take(voxels, first, last))

    values = choose((take(a, b) for a, b in _ranges(count, 16)), voxels.dtype)
    plan = make_plan(take, (count, height, width), values, voxels.dtype)
    values = plan.values
    group = options.group or default_group(count, height * width, options.profile)
    if plan.bricks and options.group is None:
        group = -(-group // BRICK) * BRICK
    fields = {
        "version": VERSION, "profile": PROFILES[options.profile].number, "dtype": voxels.dtype.name,
        "form": values.form, "first": values.first, "last": values.last, "group": group, "bricks": int(plan.bricks),
        "mask_model": mask_model() if plan.bricks else b"", "prior": _prior_id(PROFILES[options.profile], plan.bricks),
        "spikes": len(plan.spikes), "dimensions": voxels.ndim,
    }  # fmt: skip
    head = bytearray(pack(_FIELDS, fields))
    for side in voxels.shape:
        _SIDE.put(head, side)
    for spike in plan.spikes:
        _SPIKE.put(head, spike)
    writer.add_chunk(item, ChunkType.HEADER, bytes(head) + values.to_bytes(), critical=True)
    alphabet, settings = values.alphabet(), PROFILES[options.profile]

    def code(span: tuple[int, int]) -> bytes:
        slices = (values.ranks(take(k, k + 1)[0]) for k in range(*span))
        shown = progress(slices, "volume", total=count) if len(spans) == 1 else slices
        if not plan.bricks:
            return encode_group(shown, alphabet, settings)
        layers = (take(a, min(a + BRICK, span[1])) for a in range(*span, BRICK))
        known = find_bricks(layers, values)
        mask = pack_bricks(known, (span[1] - span[0]) * height * width // _VOXELS_PER_BYTE)
        return mask + encode_group(shown, alphabet, settings, known, plan.spikes)

    spans = list(_ranges(count, group))
    coded = ordered_map(code, spans, options.threads)
    shown = progress(coded, "volume", total=len(spans)) if len(spans) > 1 else coded
    for part, data in enumerate(shown):
        writer.add_chunk(item, ChunkType.DATA, data, part=part)


def decode_volume(
    container: Container,
    item: int,
    *,
    slices: tuple[int, int] | None = None,
    threads: int = 2,
    losses: list[str] | None = None,
) -> NDArray[Any]:
    """The voxels of an item, bit for bit.

    Parameters
    ----------
    slices : decode only slices first ... last - 1 of a 3-D volume (the groups that they lie in).
    losses : if given, groups that are damaged become zeros and are named here; else they raise.
    """
    header = read_header(container, item)
    count, height, width = header.slices
    first, last = slices or (0, count)
    if not 0 <= first < last <= count or (slices and len(header.shape) == 4):
        raise ShapeError(f"slices {first} to {last} are not in a volume of shape {list(header.shape)}")
    parts = range(first // header.group, -(-last // header.group))
    begin = parts[0] * header.group
    size = (min(parts[-1] * header.group + header.group, count) - begin, height, width)
    _check_size(container, item, parts, math.prod(size), header.dtype.itemsize)
    alphabet, settings = header.values.alphabet(), PROFILES[header.profile]

    def decode(job: tuple[int, bytes | BitstreamError]) -> NDArray[Any] | str:
        part, data = job
        shape = (min(header.group, count - part * header.group), height, width)
        try:
            if isinstance(data, BitstreamError):
                raise data
            known = None
            if header.bricks:
                cursor = Cursor(data, "a group of bricks")
                known = unpack_bricks(cursor, shape, alphabet.size)
                data = cursor.take(cursor.left)
            slices = decode_group(data, shape, alphabet, settings, known, header.spikes)
            block = np.zeros(shape, header.dtype)
            for k, ranks in enumerate(progress(slices, "volume", shape[0]) if header.groups == 1 else slices):
                block[k] = from_integers(header.values.integers(ranks), header.dtype)
            return block
        except BitstreamError as error:
            if losses is None:
                raise
            return f"slices {part * header.group} to {part * header.group + shape[0] - 1}: {error}"

    out = np.zeros(size, header.dtype)
    decoded = ordered_map(decode, read_parts(container, item, parts), threads)
    shown = progress(decoded, "volume", len(parts)) if header.groups > 1 else decoded
    for part, block in zip(parts, shown, strict=True):
        if isinstance(block, str):
            assert losses is not None
            losses.append(block)
        else:
            out[part * header.group - begin :][: len(block)] = block
    if slices:
        return out[first - begin : last - begin]
    return _back(out, header.shape)


def read_parts(container: Container, item: int, parts: range) -> Iterator[tuple[int, bytes | BitstreamError]]:
    """The data chunks one after the other, by the caller's thread; what is wrong with one comes in its place."""
    for part in parts:
        try:
            yield part, container.need(item, ChunkType.DATA, part)
        except BitstreamError as error:
            yield part, error


def read_header(container: Container, item: int) -> VolumeHeader:
    """The checked header of a volume."""
    cursor = Cursor(container.need(item, ChunkType.HEADER), "volume header")
    h = unpack(_FIELDS, cursor)
    shape = tuple(_SIDE.get(cursor) for _ in range(h["dimensions"]))
    if math.prod(shape) > _MOST_BYTES:
        raise BitstreamError(f"a volume of {list(shape)} voxels is more than this program reads")
    spikes = np.array([_SPIKE.get(cursor) for _ in range(h["spikes"])], np.int64)
    values = parse(h["form"], h["first"], h["last"], cursor.take(cursor.left))
    if h["form"] in DTYPES and h["form"] != h["dtype"]:
        raise BitstreamError(f"a volume of {h['dtype']} has no values of the form '{h['form']}'")
    if (spikes >= values.alphabet().size).any():
        raise BitstreamError("a frequent value of a volume is not among its values")
    if h["bricks"] and h["mask_model"] != mask_model():
        raise BitstreamError(
            f"a volume's bricks need the octree model {h['mask_model'].hex() or '(none)'}; installed is "
            f"{mask_model().hex() or '(none)'}: install the version that wrote it"
        )
    settings = BY_NUMBER[h["profile"]]
    if h["prior"] != _prior_id(settings, bool(h["bricks"])):
        raise BitstreamError(
            f"a volume needs the learned prior {h['prior'].hex() or '(none)'}; installed is "
            f"{_prior_id(settings, bool(h['bricks'])).hex() or '(none)'}: install the version that wrote it"
        )
    profile = next(name for name, s in PROFILES.items() if s is settings)
    return VolumeHeader(shape, np.dtype(h["dtype"]), profile, h["group"], values, bool(h["bricks"]), spikes)


def _prior_id(settings: Settings, bricks: bool) -> bytes:
    """Content hash of the weights that groups need, as `stream` decides."""
    return prior_id() if settings.prior and not bricks else b""


def default_group(count: int, area: int, profile: Profile) -> int:
    """Slices in a group: groups of equal size; enough of them for two threads (fast), or few (best)."""
    most = 64 if profile == "fast" else 160
    groups = max(-(-count // most), -(-count * area // _GROUP_VOXELS), 2 if profile == "fast" and count >= 24 else 1)
    return -(-count // groups)


def _check_size(container: Container, item: int, parts: range, voxels: int, itemsize: int) -> None:
    chunks = [c.length for c in container.of(item) if c.type == ChunkType.DATA and c.part in parts]
    stored = sum(chunks)
    if voxels > (stored + 8 * len(chunks)) * _VOXELS_PER_BYTE or voxels * itemsize > _MOST_BYTES:
        raise BitstreamError(f"a volume of {voxels} voxels cannot come from {stored} bytes")


def _slices(shape: tuple[int, ...]) -> tuple[int, int, int]:
    full = (1,) * (3 - len(shape)) + tuple(shape)
    return math.prod(full[:-2]), full[-2], full[-1]


def _take(voxels: NDArray[Any], first: int, last: int) -> NDArray[Any]:
    """Slices in coding order, as [S, H, W]; in 4-D the times of one place follow each other."""
    if voxels.ndim < 4:
        return np.ascontiguousarray(voxels.reshape(_slices(voxels.shape))[first:last])
    times = voxels.shape[0]
    return np.stack([voxels[k % times, k // times] for k in range(first, last)])


def _back(slices: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if len(shape) < 4:
        return slices.reshape(shape)
    times, places = shape[:2]
    return np.ascontiguousarray(slices.reshape(places, times, *shape[2:]).swapaxes(0, 1))


def _ranges(count: int, step: int) -> Iterator[tuple[int, int]]:
    return ((a, min(a + step, count)) for a in range(0, count, step))
