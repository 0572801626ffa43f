"""Clouds coded piece by piece: the same points as from memory, from files of either format, in bounded pieces."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import decode as decoding
from geo3d_compression.cloud import stream
from geo3d_compression.cloud.decode import read_header
from geo3d_compression.cloud.options import Profile
from geo3d_compression.codecs import CODECS, Request, View
from geo3d_compression.container import Container, ContainerWriter

from geo3d.errors import ShapeError
from geo3d.io import read_points, write_points
from geo3d.io.points import pieces as reading
from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import chunks_of, rows, wavy_surface

CLOUD = wavy_surface(40000, 9)
CODEC = CODECS["cloud"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is big is small."""
    monkeypatch.setattr(stream, "LEAST_POINTS", 1000)
    monkeypatch.setattr(stream, "TILE_POINTS", 5000)
    monkeypatch.setattr(stream, "MAX_TILE_POINTS", 7000)
    monkeypatch.setattr(stream, "_PIECE_ROWS", 5000)
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split_cube.__defaults__", (5000,))
    monkeypatch.setattr(reading, "PIECE_POINTS", 3333)


def there_and_back(source: Path, request: Request, suffix: str, view: View | None = None) -> tuple[PointCloud, int]:
    packed, target = source.with_suffix(".g3c"), source.with_name(f"back{suffix}")
    with ContainerWriter() as writer:
        CODEC.compress(source, writer, "cloud", request)
        writer.write(packed)
    with Container(packed) as container:
        CODEC.decompress(container, 0, target, view or View())
        return read_points(target), len(read_header(container, 0).tiles)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("lossless", "profile"), [(False, "fast"), (True, "fast"), (True, "best")])
def test_integers_with_colours_come_back(tmp_path: Path, lossless: bool, profile: Profile) -> None:
    doubled = PointCloud.concatenate([CLOUD, CLOUD[:100]])
    cloud = PointCloud(doubled.points, doubled.colors, metadata={"comments": ("made by hand",)})
    write_points(tmp_path / "a.ply", cloud)
    back, tiles = there_and_back(tmp_path / "a.ply", Request(lossless=lossless, profile=profile), ".ply")
    assert tiles > 5
    assert back.points.dtype == cloud.points.dtype
    assert np.array_equal(rows(back), rows(cloud))
    assert list(back.metadata["comments"]) == ["made by hand"]


@pytest.mark.usefixtures("small")
def test_floats_stay_within_half_a_cell(tmp_path: Path) -> None:
    points = (CLOUD.points * 0.0137 - 3).astype(np.float32)
    np.save(tmp_path / "a.npy", points)
    back, _ = there_and_back(tmp_path / "a.npy", Request(grid=0.005), ".npy")
    assert back.points.dtype == np.float32
    assert len(back) == len(points)
    a, b = (p[np.lexsort(np.rint(p.astype(np.float64) / 0.0137).T)] for p in (points, back.points))
    assert np.abs(a - b).max() <= 0.0025 * 1.001


@pytest.mark.usefixtures("small")
def test_decimal_grids_are_found_over_all_pieces(tmp_path: Path) -> None:
    points = np.unique(np.round(CLOUD.points * 0.01, 2), axis=0)
    np.save(tmp_path / "a.npy", points)
    back, _ = there_and_back(tmp_path / "a.npy", Request(), ".npy")
    assert np.array_equal(np.unique(back.points, axis=0), points)


@pytest.mark.usefixtures("small")
def test_lossy_geometry_and_merged_duplicates(tmp_path: Path) -> None:
    twice = np.concatenate([CLOUD.points, CLOUD.points])
    np.save(tmp_path / "a.npy", twice)
    back, _ = there_and_back(tmp_path / "a.npy", Request(duplicates="merge"), ".npy")
    assert np.array_equal(np.unique(back.points, axis=0), np.unique(CLOUD.points, axis=0))
    assert len(back) == len(CLOUD)
    lossy, _ = there_and_back(tmp_path / "a.npy", Request(quality=60, geometry="lossy"), ".npy")
    assert 0.5 < len(lossy) / len(CLOUD) < 2


@pytest.mark.usefixtures("small")
def test_boxes_and_levels_of_streamed_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", CLOUD.points)
    box = (0.0, 0.0, 0.0, 200.0, 300.0, 511.0)
    back, _ = there_and_back(tmp_path / "a.npy", Request(), ".npy", View(bbox=box))
    inside = ((CLOUD.points >= box[:3]) & (CLOUD.points <= box[3:])).all(axis=1)
    assert np.array_equal(np.unique(back.points, axis=0), np.unique(CLOUD.points[inside], axis=0))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("crowd", ["behind a stray point", "in one cell", "on a small grid"])
def test_a_crowd_is_held_a_tile_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crowd: str) -> None:
    points = {
        "behind a stray point": np.concatenate([CLOUD.points, [[0, 1 << 22, 0]]]).astype(np.int32),
        "in one cell": np.concatenate([np.tile(CLOUD.points[:1], (16_000, 1)), CLOUD.points[:9000]]),
        "on a small grid": np.tile(CLOUD.points // 8, (2, 1)),
    }[crowd]
    np.save(tmp_path / "a.npy", points)
    held, cloud = [], stream._cloud
    monkeypatch.setattr(stream, "_cloud", lambda rows, grid: held.append(len(rows)) or cloud(rows, grid))
    back, tiles = there_and_back(tmp_path / "a.npy", Request(), ".npy")
    assert tiles >= 4
    assert max(held) <= 7000
    assert np.array_equal(rows(back), rows(PointCloud(points)))
    # From memory the same tiles come, byte for byte.
    streamed = chunks_of((tmp_path / "a.g3c").read_bytes())
    monkeypatch.setattr(stream, "LEAST_POINTS", 1 << 40)
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (5000,))
    there_and_back(tmp_path / "a.npy", Request(), ".npy")
    assert chunks_of((tmp_path / "a.g3c").read_bytes()) == streamed


def labelled() -> PointCloud:
    """Attributes whose integers are found over all pieces: what the first points hold says little of the rest."""
    rng = np.random.default_rng(4)
    n = len(CLOUD)
    age = np.arange(n)
    attributes = {
        "intensity": (np.where(age < n // 2, 0, 65535) * rng.random(n)).astype(np.uint16),
        "classification": rng.integers(0, 20, n).astype(np.uint8),
        "gps_time": np.round(1e9 + 0.001 * age, 3) + np.where(age > 0.9 * n, rng.random(n) * 1e-6, 0),
        "reflectance": np.where(age < n // 3, np.round(rng.random(n), 1), rng.normal(size=n)).astype(np.float32),
        "wide": rng.integers(-3, 4, (n, 2)) << 40,
    }
    normals = rng.normal(size=(n, 3)).astype(np.float32)
    return PointCloud(CLOUD.points * 0.25, CLOUD.colors, normals, attributes)


def sorted_columns(cloud: PointCloud) -> dict[str, np.ndarray]:
    """Everything by name, its rows in an order that depends on the points alone."""
    order = np.lexsort((cloud.attributes["gps_time"], *cloud.points.T))
    columns = {"points": cloud.points, "colors": cloud.colors, "normals": cloud.normals, **cloud.attributes}
    return {name: values[order] for name, values in columns.items() if values is not None}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("suffix", [".ply", ".las", ".laz"])
def test_attributes_come_back_and_the_bytes_are_those_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    if suffix != ".ply":
        pytest.importorskip("lazrs")
        monkeypatch.setattr("geo3d.io.points.las_reading._CHUNK", 3333)
    source, given = tmp_path / f"a{suffix}", labelled()
    if suffix == ".ply":
        # A PLY that must be told what its columns make together is read whole.
        given = replace(given, attributes={k: v for k, v in given.attributes.items() if k != "wide"})
    write_points(source, given)
    cloud = read_points(source)
    back, tiles = there_and_back(source, Request(lossless=True), suffix)
    assert tiles > 5
    wanted, found = sorted_columns(cloud), sorted_columns(back)
    assert wanted.keys() == found.keys() >= set(labelled().attributes) - {"wide"}
    for name in wanted:
        assert found[name].dtype == wanted[name].dtype, name
        assert np.array_equal(found[name], wanted[name]), name
    streamed = chunks_of((tmp_path / "a.g3c").read_bytes())
    monkeypatch.setattr(stream, "LEAST_POINTS", 1 << 40)
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (5000,))
    there_and_back(source, Request(lossless=True), suffix)
    assert chunks_of((tmp_path / "a.g3c").read_bytes()) == streamed


@pytest.mark.usefixtures("small")
def test_a_box_of_a_streamed_laz_decodes_its_tiles_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lazrs")
    monkeypatch.setattr("geo3d.io.points.las_reading._CHUNK", 3333)
    write_points(tmp_path / "a.laz", labelled())
    decoded, decode = [], decoding._decode_tile
    monkeypatch.setattr(decoding, "_decode_tile", lambda job: decoded.append(job.tile.origin) or decode(job))
    (x, y, z), (_, _, top) = CLOUD.bounds * 0.25
    box = (x, y, z, x + 20.0, y + 40.0, top)
    back, tiles = there_and_back(tmp_path / "a.laz", Request(), ".las", View(bbox=box))
    assert 0 < len(decoded) < tiles / 2
    cloud = read_points(tmp_path / "a.laz")
    inside = ((cloud.points >= box[:3]) & (cloud.points <= box[3:])).all(axis=1)
    assert inside.sum() > 100
    wanted, found = sorted_columns(cloud[inside]), sorted_columns(back)
    # LAS leaves out standard dimensions that are zero everywhere.
    assert all(np.array_equal(values, found.get(name, 0 * values)) for name, values in wanted.items())


@pytest.mark.usefixtures("small")
def test_wide_integers_are_written_to_ply_from_memory(tmp_path: Path) -> None:
    # What PLY type holds them depends on all values: those of the first tiles would fit into 32 bits.
    far = np.where(np.arange(len(CLOUD)) % 1000 == 999, 1 << 50, 1).astype(np.int64)
    cloud = PointCloud(CLOUD.points, attributes={"far": far, "gps_time": np.arange(len(CLOUD)).astype(np.float64)})
    write_points(tmp_path / "a.ply", cloud)
    write_points(tmp_path / "a.npz", cloud)
    back, _ = there_and_back(tmp_path / "a.npz", Request(), ".ply")
    assert np.array_equal(sorted_columns(back)["far"], sorted_columns(cloud)["far"])


@pytest.mark.usefixtures("small")
def test_colours_of_16_bits_are_left_to_memory(tmp_path: Path) -> None:
    head = b"ply\nformat binary_little_endian 1.0\nelement vertex 9000\n"
    head += b"".join(b"property %b %b\n" % (t, n) for t, n in zip([b"float"] * 3, [b"x", b"y", b"z"], strict=True))
    head += b"property ushort red\nproperty ushort green\nproperty ushort blue\nend_header\n"
    rows_ = np.zeros(9000, np.dtype([("xyz", "<f4", 3), ("rgb", "<u2", 3)]))
    rows_["rgb"][5000:] = 257 * 9
    (tmp_path / "a.ply").write_bytes(head + rows_.tobytes())
    assert reading.point_pieces(tmp_path / "a.ply") is None


def test_what_cannot_be_streamed_is_left_to_memory(tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", PointCloud(CLOUD.points))
    np.save(tmp_path / "rows.npy", np.zeros((5, 6)))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY nothing")
    (tmp_path / "bad.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 1\n")
    pieces = reading.point_pieces(tmp_path / "a.ply")
    assert pieces is not None
    with ContainerWriter() as writer:
        assert stream.encode_pieces(pieces, writer, 0, stream.CloudOptions(keep_order=True)) is None
    assert reading.point_pieces(tmp_path / "a.ply", len(CLOUD) + 1) is None
    for name in ("rows.npy", "bad.npy", "bad.ply"):
        assert reading.point_pieces(tmp_path / name) is None


def test_nan_is_refused(tmp_path: Path) -> None:
    points = CLOUD.points.astype(np.float32)
    points[7, 1] = np.nan
    np.save(tmp_path / "a.npy", points)
    pieces = reading.point_pieces(tmp_path / "a.npy")
    assert pieces is not None
    with ContainerWriter() as writer, pytest.raises(ShapeError, match="NaN"):
        stream.encode_pieces(pieces, writer, 0, stream.CloudOptions())
