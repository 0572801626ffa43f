"""LAS and LAZ: round trips, laspy as the peer, hostile headers."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.io.points.pieces import point_pieces, write_pieces
from geo3d.types import PointCloud

laspy = pytest.importorskip("laspy")
pytest.importorskip("lazrs")


@pytest.fixture
def utm_cloud() -> PointCloud:
    rng = np.random.default_rng(0)
    n = 300
    points = rng.uniform(size=(n, 3)) * [400, 400, 30] + [691234.0, 5412345.0, 300.0]
    attributes = {
        "intensity": rng.integers(0, 65536, n).astype(np.uint16),
        "classification": rng.integers(0, 20, n).astype(np.uint8),
        "gps_time": rng.uniform(0, 1e9, n),
        "return_number": rng.integers(1, 4, n).astype(np.uint8),
        "reflectance": rng.normal(size=n).astype(np.float32),
        "id": np.arange(n, dtype=np.int64) + 2**40,
    }
    return PointCloud(points, rng.integers(0, 256, (n, 3)).astype(np.uint8), None, attributes)


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_round_trip_keeps_millimetres_colours_and_attributes(tmp_path, utm_cloud, suffix):
    path = tmp_path / f"c{suffix}"
    write_points(path, utm_cloud)
    back = read_points(path)
    assert np.abs(back.points - utm_cloud.points).max() < 1e-6
    assert np.array_equal(back.colors, utm_cloud.colors)
    for name, values in utm_cloud.attributes.items():
        assert np.array_equal(back.attributes[name], values), name
        assert back.attributes[name].dtype == values.dtype, name
    again = tmp_path / f"d{suffix}"
    write_points(again, back)
    assert np.array_equal(read_points(again).points, back.points)  # scale and offset are used again
    assert (path.read_bytes()[104] >= 128) == (suffix == ".laz")


def test_laspy_reads_what_we_write(tmp_path, utm_cloud):
    write_points(tmp_path / "c.laz", utm_cloud, scale=0.001)
    peer = laspy.read(tmp_path / "c.laz")
    assert np.abs(peer.xyz - utm_cloud.points).max() <= 0.0005 + 1e-9
    assert np.array_equal(peer.red, utm_cloud.colors[:, 0].astype(np.uint16) * 256)
    assert np.array_equal(peer.intensity, utm_cloud.attributes["intensity"])
    assert np.array_equal(peer["reflectance"], utm_cloud.attributes["reflectance"])


@pytest.mark.parametrize("point_format", range(11))
def test_we_read_every_point_format_of_laspy(tmp_path, point_format):
    if point_format in (4, 5, 9, 10):
        pytest.skip("wave packets: laspy writes them only with waveforms")
    header = laspy.LasHeader(point_format=point_format, version="1.4")
    header.scales, header.offsets = [0.01] * 3, [1000.0, 2000.0, 0.0]
    las = laspy.LasData(header)
    las.x, las.y, las.z = np.arange(5) + 1000.25, np.arange(5) + 2000.5, np.arange(5.0)
    las.classification = np.arange(5)
    las.write(tmp_path / "p.las")
    cloud = read_points(tmp_path / "p.las")
    assert np.allclose(cloud.points, las.xyz, rtol=0, atol=1e-9)
    assert np.array_equal(cloud.attributes["classification"], np.arange(5))


def test_sixteen_bit_colours(tmp_path):
    for factor, exact in ((1, True), (256, True), (257, True), (100, False)):
        header = laspy.LasHeader(point_format=2)
        las = laspy.LasData(header)
        las.x = las.y = las.z = np.arange(4.0)
        las.red = las.green = las.blue = np.array([0, 9, 200, 255]) * factor
        las.write(tmp_path / "c.las")
        cloud = read_points(tmp_path / "c.las")
        assert ("color16" not in cloud.attributes) == exact
        if exact:
            assert cloud.colors[:, 0].tolist() == [0, 9, 200, 255]
        write_points(tmp_path / "d.las", cloud)
        peer = laspy.read(tmp_path / "d.las")
        assert np.array_equal(peer.red, las.red) or exact


def test_integer_clouds_come_back_as_integers(tmp_path):
    points = np.random.default_rng(0).integers(0, 1024, (50, 3))
    write_points(tmp_path / "i.laz", PointCloud(points))
    back = read_points(tmp_path / "i.laz").points
    assert back.dtype.kind == "i"
    assert np.array_equal(back, points)


def test_values_outside_a_standard_dimension_survive(tmp_path):
    attributes = {
        "intensity": np.array([0.25, 1.0], np.float32),
        "classification": np.array([1, 999]),
        "gps_time": np.array([1.5, np.nan]),
    }
    write_points(tmp_path / "e.las", PointCloud(np.zeros((2, 3)), attributes=attributes))
    back = read_points(tmp_path / "e.las").attributes
    for name, values in attributes.items():
        assert np.array_equal(back[name], values, equal_nan=True)
        assert back[name].dtype == values.dtype
    assert laspy.read(tmp_path / "e.las").intensity.tolist() == [16384, 65535]


def test_what_las_cannot_hold_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="NaN"):
        write_points(tmp_path / "e.las", PointCloud(np.full((2, 3), np.nan)))
    with pytest.raises(FormatError, match="32 bits"):
        write_points(tmp_path / "e.las", PointCloud(np.array([[0.0] * 3, [1e7] * 3])), scale=1e-6)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_damage(tmp_path, utm_cloud, survives_damage, suffix):
    path = tmp_path / f"c{suffix}"
    write_points(path, utm_cloud[:20])
    survives_damage(read_points, path)


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_counts_that_would_loop_or_allocate(tmp_path, utm_cloud, suffix):
    path = tmp_path / f"c{suffix}"
    write_points(path, utm_cloud)
    data = path.read_bytes()
    points_at = struct.unpack_from("<I", data, 96)[0]
    for at in (100, 107) + ((points_at,) if suffix == ".laz" else ()):
        path.write_bytes(data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :])
        with pytest.raises(FormatError):
            read_points(path)
    if suffix == ".laz":
        table = struct.unpack_from("<q", data, points_at)[0]
        path.write_bytes(data[: table + 4] + b"\xff\xff\xff\x7f" + data[table + 8 :])
        with pytest.raises(FormatError, match="chunks"):
            read_points(path)


def test_every_truncation_of_las_is_noticed(tmp_path, utm_cloud):
    write_points(tmp_path / "c.las", utm_cloud[:5])
    data = (tmp_path / "c.las").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "t.las").write_bytes(data[:length])
        with pytest.raises(FormatError):
            read_points(tmp_path / "t.las")


@pytest.mark.parametrize("colors", ["8 bits", "repeated", "shifted", "wide"])
def test_pieces_are_the_whole(tmp_path, monkeypatch, utm_cloud, colors):
    """What the first piece holds does not decide for the file: nor of zeros, nor of small colours."""
    rng = np.random.default_rng(2)
    las = laspy.LasData(laspy.LasHeader(point_format=3, version="1.2"))
    las.header.scales = [0.001] * 3
    las.x, las.y, las.z = utm_cloud.points.T - utm_cloud.points.min(axis=0)[:, None]
    late = np.arange(300) >= 150
    las.intensity = np.where(late, 7, 0).astype(np.uint16)
    small = rng.integers(0, 256, (300, 3))
    factor = {"8 bits": 1, "repeated": 257, "shifted": 256, "wide": 257}[colors]
    rgb = np.where(late[:, None], small * factor, 0) + (late[:, None] if colors == "wide" else 0)
    las.red, las.green, las.blue = np.minimum(rgb, 65535).astype(np.uint16).T
    las.write(tmp_path / "a.laz")
    monkeypatch.setattr("geo3d.io.points.las_reading._CHUNK", 64)
    whole, pieces = read_points(tmp_path / "a.laz"), point_pieces(tmp_path / "a.laz")
    parts = list(pieces)
    together = PointCloud.concatenate(parts)
    assert len(parts) == 5
    assert pieces.count == 300
    assert {**pieces.metadata} == whole.metadata
    assert np.array_equal(together.points, whole.points)
    assert np.array_equal(together.colors, whole.colors)
    assert together.attributes.keys() == whole.attributes.keys()
    assert ("color16" in whole.attributes) == (colors == "wide")
    assert all(np.array_equal(together.attributes[n], v) for n, v in whole.attributes.items())
    assert point_pieces(tmp_path / "a.laz", 301) is None


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize("kind", ["plain", "rounded", "wide colours", "whole numbers"])
def test_pieces_are_written_as_the_whole(tmp_path, utm_cloud, kind, suffix):
    """What the first piece holds does not decide: nor where all of it would fit, nor how bright it is."""
    late = np.arange(300) >= 150
    attributes = dict(utm_cloud.attributes)
    points, colors = utm_cloud.points, utm_cloud.colors
    if kind == "rounded":
        attributes |= {"intensity": np.where(late, 300.5, 0.25), "classification": np.where(late, 200, 3)}
        attributes |= {"return_number": np.where(late, 12, 1).astype(np.uint8), "pair": np.ones((300, 2), np.float32)}
    elif kind == "wide colours":
        attributes["color16"] = colors.astype(np.uint16) * 256 + 7
    elif kind == "whole numbers":
        points = np.where(late[:, None], points, -points).astype(np.int64)
    metadata = {"las_scales": (0.01,) * 3, "las_offsets": (0.0,) * 3}
    cloud = PointCloud(points, colors, np.ones((300, 3), np.float32), attributes, metadata)
    write_points(tmp_path / f"whole{suffix}", cloud)
    write_pieces(tmp_path / f"pieces{suffix}", 300, (cloud[k : k + 70] for k in range(0, 300, 70)))
    # Not the bytes: laspy puts the first value of each piece that it is given into the ranges of extra dimensions.
    ours, whole = laspy.read(tmp_path / f"pieces{suffix}"), laspy.read(tmp_path / f"whole{suffix}")
    assert ours.points.array.dtype == whole.points.array.dtype
    assert ours.points.array.tobytes() == whole.points.array.tobytes()
    for name in ("version", "point_format", "point_count", "scales", "offsets", "mins", "maxs"):
        assert np.array_equal(getattr(ours.header, name), getattr(whole.header, name)), name
    back = read_points(tmp_path / f"pieces{suffix}")
    assert all(np.array_equal(back.attributes[n], v) for n, v in attributes.items() if v.ndim == 1)
    with pytest.raises(FormatError, match="300 points came instead of the 301"):
        write_pieces(tmp_path / f"more{suffix}", 301, iter([cloud]))
