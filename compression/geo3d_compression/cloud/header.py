"""The header chunk of a cloud: grid, tiles, attributes.  Every field with its range stands in this file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geo3d.errors import BitstreamError
from geo3d.ops.morton import BITS
from geo3d_compression.attributes.channels import MAX_CHANNELS
from geo3d_compression.attributes.color import RANGES, TRANSFORMS
from geo3d_compression.attributes.integers import DTYPES, IntegerMap
from geo3d_compression.attributes.narrow.limits import WIDEST
from geo3d_compression.cloud.grid import Grid
from geo3d_compression.cloud.groups import LEVELS_BELOW
from geo3d_compression.cloud.tiles import MAX_TILE_POINTS, MAX_TILES
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, Float, SInt, Text, UInt, pack, unpack
from geo3d_compression.upsample.classes import DENSITY_CLASSES
from geo3d_compression.upsample.lattice import MAX_SCALE, UNIT

MAX_POINTS = 1 << 40
ROLES = ("color", "normal", "attribute", "refinement")
PROFILES = ("fast", "best")
# Coders of exact attributes, see `attributes.channels` and `attributes.narrow`.
MODELS = ("plain", "narrow")
# Lossy colours of version 2, which are not decoded any more.
RETIRED = "retired"
# Version 2 had no transforms of colours but YCoCg-R and one coder.
VERSION = 3
_OLDEST = 2

_FIELDS: tuple[Field, ...] = (
    UInt("version", VERSION, _OLDEST),
    Choice("profile", PROFILES),
    UInt("input_points", MAX_POINTS, 1),
    UInt("depth", 64),
    Choice("dtype", DTYPES),
    Float("cell", 1e-300),
    Float("divisor", 0.0),
    Float("x", -1e300),
    Float("y", -1e300),
    Float("z", -1e300),
    Float("error", 0.0),
    UInt("ordered", 1),
    UInt("scale", MAX_SCALE, UNIT),
    UInt("attributes", 4096),
    UInt("tiles", MAX_TILES, 1),
)
# Only where `scale` says that the geometry is lossy.
_SURFACE_FIELDS: tuple[Field, ...] = (
    Blob("model", 16),
    Float("distortion", 0.0),
)
_TILE_FIELDS: tuple[Field, ...] = (
    SInt("x", 1 << 63),
    SInt("y", 1 << 63),
    SInt("z", 1 << 63),
    UInt("depth", BITS),
    UInt("voxels", MAX_TILE_POINTS, 1),
    UInt("points", MAX_TILE_POINTS, 1),
    UInt("geometry_chunks", 64, 1),
    UInt("attribute_groups", 2, 1),
)
_SURFACE_TILE_FIELDS: tuple[Field, ...] = (
    UInt("cells", MAX_TILE_POINTS, 1),
    UInt("density", DENSITY_CLASSES - 1),
)
_ATTRIBUTE_FIELDS: tuple[Field, ...] = (
    Text("name", 1024),
    Choice("role", ROLES),
    UInt("vector", 1),
    Choice("transform", TRANSFORMS),
    UInt("step", 1 << 20),
    UInt("channels", 1 << 12, 1),
)
_MODEL_FIELDS: tuple[Field, ...] = (Choice("model", MODELS),)


@dataclass(frozen=True)
class TileHeader:
    """A cube of 2^depth voxels at `origin`, in cells of the grid.

    Of lossy geometry, `cells` are coded, in a cloud of `density` (see `upsample.classes`).
    """

    origin: tuple[int, int, int]
    depth: int
    voxels: int
    points: int
    geometry_chunks: int
    attribute_groups: int
    cells: int = 0
    density: int = 0


@dataclass(frozen=True)
class AttributeHeader:
    """An attribute: [N] (`vector` False) or [N, len(maps)]; its channels' maps to integers.

    `step` is 0 for exact values, else the quantiser step of lossy colours in sixteenths.  `transform` is that of exact
    colours (see `attributes.color`), whose channels are the maps then; `model` is the coder of exact values.
    """

    name: str
    role: str
    vector: bool
    transform: str
    maps: tuple[IntegerMap, ...]
    step: int = 0
    model: str = "plain"


@dataclass(frozen=True)
class CloudHeader:
    """What a decoder must know before any point: see the fields above.

    `scale` is the edge of the coded cells in sixteenths of a voxel: 16 is exact geometry.  Above it, `model` is the
    content hash of the up-sampling weights and `distortion` the mean squared distance to the original, in cells.
    """

    profile: str
    input_points: int
    depth: int
    grid: Grid
    error: float
    ordered: bool
    attributes: tuple[AttributeHeader, ...]
    tiles: tuple[TileHeader, ...]
    scale: int = UNIT
    model: bytes = b""
    distortion: float = 0.0

    @property
    def lossy(self) -> bool:
        """Whether the voxels are predicted from coarser cells."""
        return self.scale > UNIT

    @property
    def points(self) -> int:
        """Points of the decoded cloud."""
        return sum(t.points for t in self.tiles)

    @property
    def d1_psnr(self) -> float | None:
        """Point-to-point PSNR in dB as MPEG defines it, with the octree's 2^depth - 1 as peak; None where exact."""
        if not self.lossy:
            return None
        return 10 * math.log10(3 * (2**self.depth - 1) ** 2 / max(self.distortion, 1e-12))

    def pack(self) -> bytes:
        """Header bytes."""
        g = self.grid
        values = {
            "version": VERSION, "profile": self.profile, "input_points": self.input_points, "depth": self.depth,
            "scale": self.scale,
            "dtype": g.dtype, "cell": g.cell, "divisor": g.divisor, "x": g.origin[0], "y": g.origin[1],
            "z": g.origin[2], "error": self.error, "ordered": int(self.ordered), "tiles": len(self.tiles),
            "attributes": len(self.attributes),
        }  # fmt: skip
        parts = [pack(_FIELDS, values)]
        if self.lossy:
            parts.append(pack(_SURFACE_FIELDS, vars(self)))
        for a in self.attributes:
            row = {"name": a.name, "role": a.role, "vector": a.vector, "transform": a.transform}
            row |= {"step": a.step, "channels": len(a.maps), "model": a.model}
            parts += [pack(_ATTRIBUTE_FIELDS, row), pack(_MODEL_FIELDS, row), *(m.pack() for m in a.maps)]
        for t in self.tiles:
            parts.append(pack(_TILE_FIELDS, {**vars(t), "x": t.origin[0], "y": t.origin[1], "z": t.origin[2]}))
            if self.lossy:
                parts.append(pack(_SURFACE_TILE_FIELDS, vars(t)))
        return b"".join(parts)

    @staticmethod
    def unpack(data: bytes) -> CloudHeader:
        """Read and check what `pack` wrote."""
        cursor = Cursor(data, "cloud header")
        h = unpack(_FIELDS, cursor)
        surface = unpack(_SURFACE_FIELDS, cursor) if h["scale"] > UNIT else {}
        attributes = [_read_attribute(cursor, h["version"]) for _ in range(h["attributes"])]
        if h["tiles"] * 8 > cursor.left:
            raise BitstreamError(f"a cloud header announces {h['tiles']} tiles in {cursor.left} bytes")
        tiles = [_read_tile(cursor, bool(surface)) for _ in range(h["tiles"])]
        cursor.finish()
        _check_unique(attributes)
        grid = Grid(h["dtype"], h["cell"], (h["x"], h["y"], h["z"]), h["divisor"])
        return CloudHeader(
            h["profile"], h["input_points"], h["depth"], grid, h["error"], bool(h["ordered"]), tuple(attributes),
            tuple(tiles), h["scale"], **surface,
        )  # fmt: skip


def _read_attribute(cursor: Cursor, version: int) -> AttributeHeader:
    row = unpack(_ATTRIBUTE_FIELDS, cursor)
    model = unpack(_MODEL_FIELDS, cursor)["model"] if version > _OLDEST else "plain"
    maps = tuple(IntegerMap.unpack(cursor) for _ in range(row["channels"]))
    transform = row["transform"]
    if version == _OLDEST and transform not in ("none", "ycocg"):
        raise BitstreamError(f"a cloud of version {_OLDEST} has colours as '{transform}', which came later")
    if version == _OLDEST and row["step"]:
        model = RETIRED
    expected = 4 if transform == "jpeg" else 3
    if row["role"] in ("color", "normal", "refinement") and len(maps) != expected:
        raise BitstreamError(f"a {row['role']} attribute has {len(maps)} channels instead of {expected}")
    if transform != "none" and tuple((m.low, m.high) for m in maps) != RANGES[transform]:
        raise BitstreamError(f"the channels of colours as '{transform}' have other ranges")
    if transform != "none" and (row["role"] != "color" or row["step"]):
        raise BitstreamError(f"the {row['role']} '{row['name']}' is marked as '{transform}', only exact colours can be")
    if transform == "jpeg" and model != "narrow":
        raise BitstreamError("colours as 'jpeg' are marked as coded without their model")
    widest = max(m.high - m.low for m in maps)
    if model == "narrow" and (row["step"] or row["role"] == "refinement" or widest >= WIDEST):
        raise BitstreamError(f"'{row['name']}' is marked as narrow, and is not")
    if row["step"] and row["role"] != "color":
        raise BitstreamError(f"the {row['role']} '{row['name']}' is marked as lossy, only colours can be")
    if not row["vector"] and len(maps) != 1:
        raise BitstreamError(f"the scalar attribute '{row['name']}' has {len(maps)} channels")
    return AttributeHeader(row["name"], row["role"], bool(row["vector"]), transform, maps, row["step"], model)


def _read_tile(cursor: Cursor, lossy: bool) -> TileHeader:
    row = unpack(_TILE_FIELDS, cursor)
    if lossy:
        row |= unpack(_SURFACE_TILE_FIELDS, cursor)
    origin = (row.pop("x"), row.pop("y"), row.pop("z"))
    tile = TileHeader(origin, **row)
    if tile.voxels > tile.points or tile.voxels > 8**tile.depth:
        raise BitstreamError(f"a tile of depth {tile.depth} announces {tile.voxels} voxels and {tile.points} points")
    if tile.attribute_groups > 1 and tile.depth <= LEVELS_BELOW:
        raise BitstreamError(f"a tile of depth {tile.depth} announces {tile.attribute_groups} attribute groups")
    if lossy and not (tile.points == tile.voxels >= tile.cells):
        raise BitstreamError(f"a lossy tile announces {tile.cells} cells, {tile.voxels} voxels, {tile.points} points")
    if max(abs(v) for v in origin) > (1 << 63) - (1 << 22):
        raise BitstreamError(f"a tile lies at {origin}, outside of 64-bit indices")
    return tile


def _check_unique(attributes: Sequence[AttributeHeader]) -> None:
    keys = [(a.role, a.name if a.role == "attribute" else "") for a in attributes]
    if len(set(keys)) < len(keys):
        raise BitstreamError("a cloud header names an attribute twice")


def channel_groups(channels: int) -> list[slice]:
    """Attributes with many columns are coded in groups of at most 16 channels."""
    return [slice(k, min(k + MAX_CHANNELS, channels)) for k in range(0, channels, MAX_CHANNELS)]
