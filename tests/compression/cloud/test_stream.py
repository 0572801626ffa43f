"""Clouds coded piece by piece: the same points as from memory, from files of either format, in bounded pieces."""

import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import stream
from geo3d_compression.cloud.decode import read_header
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
@pytest.mark.parametrize("lossless", [False, True])
def test_integers_with_colours_come_back(tmp_path: Path, lossless: bool) -> None:
    doubled = PointCloud.concatenate([CLOUD, CLOUD[:100]])
    cloud = PointCloud(doubled.points, doubled.colors, metadata={"comments": ("made by hand",)})
    write_points(tmp_path / "a.ply", cloud)
    back, tiles = there_and_back(tmp_path / "a.ply", Request(lossless=lossless), ".ply")
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


def test_what_cannot_be_streamed_is_left_to_memory(tmp_path: Path) -> None:
    labelled = PointCloud(CLOUD.points, attributes={"label": np.arange(len(CLOUD), dtype=np.int32)})
    write_points(tmp_path / "a.ply", labelled)
    np.save(tmp_path / "rows.npy", np.zeros((5, 6)))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY nothing")
    (tmp_path / "bad.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 1\n")
    pieces = reading.point_pieces(tmp_path / "a.ply")
    assert pieces is not None
    with ContainerWriter() as writer:
        assert stream.encode_pieces(pieces, writer, 0, stream.CloudOptions()) is None
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
