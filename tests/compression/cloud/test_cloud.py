"""The cloud codec as a whole: what comes back, for every kind of coordinate, attribute, duplicate, level and box."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geo3d_compression.cloud import CloudOptions, CloudView
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo3d.errors import Geo3DError, ShapeError
from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import pack, rows, unpack, wavy_surface

POINT_DTYPES = ["uint8", "int16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
ATTRIBUTE_DTYPES = [
    "bool", "uint8", "int8", "uint16", "int32", "uint64", "int64", "float16", "float32", "float64",
]  # fmt: skip


def random_values(rng: np.random.Generator, dtype: str, shape: Any) -> NDArray[Any]:
    """Any bits that the dtype can hold, NaN and infinities included."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(rng.bytes(size), dtype).reshape(shape).copy()


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(POINT_DTYPES), st.integers(1, 120), st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(ATTRIBUTE_DTYPES), st.integers(0, 18)), max_size=3),
    st.booleans(), st.booleans(), st.integers(0, 2**32),
)  # fmt: skip
def test_lossless_round_trip_of_anything(
    dtype: str, n: int, span: int, attributes: list[tuple[str, int]], colored: bool, keep_order: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 1 << span, (n, 3)).astype(dtype)
    if dtype.startswith("float") and span > 2:
        points = (rng.normal(size=(n, 3)) * 10.0 ** rng.integers(-6, 7)).astype(dtype)
    named = {
        f"a{k}": random_values(rng, d, n if columns == 0 else (n, columns)) for k, (d, columns) in enumerate(attributes)
    }
    colors = rng.integers(0, 256, (n, 3)).astype(np.uint8) if colored else None
    cloud = PointCloud(points, colors, attributes=named)
    back = unpack(pack(cloud, CloudOptions(lossless=True, keep_order=keep_order))[0])
    assert back.points.dtype == cloud.points.dtype
    assert np.array_equal(rows(back), rows(cloud))
    if keep_order:
        assert back.points.tobytes() == cloud.points.tobytes()
        assert all(back.attributes[k].tobytes() == v.tobytes() for k, v in cloud.attributes.items())


def test_surface_comes_back_and_is_small() -> None:
    cloud = wavy_surface()
    data, report = pack(cloud)
    assert report.error == 0
    assert np.array_equal(rows(unpack(data)), rows(cloud))
    assert len(data) * 8 < 18 * len(cloud)


def test_utm_coordinates_keep_their_millimetres() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 200, (3000, 3)) + [500_000, 4_500_000, 100]
    cloud = PointCloud(points, attributes={"id": np.arange(3000)})
    back = unpack(pack(cloud, CloudOptions(grid=0.002))[0])
    order = np.argsort(back.attributes["id"])
    assert back.points.dtype == np.float64
    assert np.abs(back.points[order] - points).max() <= 0.001 + 2e-9


def test_the_reported_error_is_the_error() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
    cloud = PointCloud(points, attributes={"id": np.arange(2000)})
    for options in (CloudOptions(grid=0.1), CloudOptions(bits=9), CloudOptions()):
        data, report = pack(cloud, options)
        back = unpack(data)
        gap = np.abs(back.points[np.argsort(back.attributes["id"])].astype(np.float64) - points).max()
        assert gap == report.error
        assert gap <= report.cell * 0.502


def test_duplicates_are_kept_or_merged() -> None:
    points = np.array([[0, 0, 0], [5, 5, 5], [0, 0, 0], [0, 0, 0]], np.int16)
    colors = np.array([[0, 0, 0], [9, 9, 9], [3, 30, 255], [3, 30, 255]], np.uint8)
    cloud = PointCloud(points, colors, attributes={"k": np.array([7, 8, 9, 10])})
    assert np.array_equal(rows(unpack(pack(cloud)[0])), rows(cloud))
    merged = unpack(pack(cloud, CloudOptions(duplicates="merge"))[0])
    assert merged.points.tolist() == [[0, 0, 0], [5, 5, 5]]
    assert merged.colors is not None
    assert merged.colors.tolist() == [[2, 20, 170], [9, 9, 9]]
    assert merged.attributes["k"].tolist() == [7, 8]


def test_levels_are_coarser_clouds_of_the_same_place() -> None:
    cloud = wavy_surface()
    data, _ = pack(cloud)
    previous = 0
    for level in range(8):
        coarse = unpack(data, CloudView(level=level))
        cell = 1 << (7 - level)
        truth = np.unique((cloud.points - cloud.points.min(axis=0)) // cell, axis=0)
        assert len(coarse) == len(truth)
        found = np.floor((coarse.points - cloud.points.min(axis=0)) / cell).astype(np.int64)
        assert np.array_equal(np.unique(found, axis=0), truth)
        assert len(coarse) > previous
        previous = len(coarse)
        assert coarse.colors is not None
        # A coarse point has the colour of a point in its cell.
        known = {(*p, *c) for p, c in zip((cloud.points - cloud.points.min(axis=0)) // cell, cloud.colors, strict=True)}
        assert all((*p, *c) in known for p, c in zip(found, coarse.colors, strict=True))
    with pytest.raises(Geo3DError, match="--level must be 0 to 7"):
        unpack(data, CloudView(level=8))


def test_boxes_give_the_points_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo3d_compression.cloud.tiles.TILE_POINTS", 1000)
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (1000,))
    cloud = wavy_surface()
    data, _ = pack(cloud)
    box = (10.0, 20.0, 5.0, 60.0, 70.0, 90.0)
    inside = ((cloud.points >= box[:3]) & (cloud.points <= box[3:])).all(axis=1)
    assert np.array_equal(rows(unpack(data, CloudView(box=box))), rows(cloud[inside]))
    assert np.array_equal(rows(unpack(data)), rows(cloud))
    with pytest.raises(Geo3DError, match="no point"):
        unpack(data, CloudView(box=(1000.0, 0, 0, 1001, 1, 1)))


def test_lossy_colours_leave_the_geometry_alone() -> None:
    cloud = wavy_surface()
    exact, _ = pack(cloud)
    data, _ = pack(cloud, CloudOptions(quality=75))
    assert len(data) < 0.6 * len(exact)
    back = unpack(data)
    order, other = np.lexsort(cloud.points.T), np.lexsort(back.points.T)
    assert np.array_equal(back.points[other], cloud.points[order])
    assert back.colors is not None
    assert cloud.colors is not None
    error = back.colors[other].astype(float) - cloud.colors[order]
    assert np.sqrt(np.mean(error**2)) < 4
    coarse = unpack(data, CloudView(level=4))
    assert coarse.colors is not None
    assert np.abs(coarse.colors.mean(axis=0) - cloud.colors.mean(axis=0)).max() < 8


def test_metadata_comes_back() -> None:
    cloud = PointCloud(np.eye(3), metadata={"comment": "grün", "scale": [1, 2.5], "object": object()})
    assert unpack(pack(cloud)[0]).metadata == {"comment": "grün", "scale": [1, 2.5]}


@pytest.mark.parametrize(
    "points",
    [np.zeros((0, 3)), np.array([[0, 0, np.nan]]), np.array([[np.inf, 0, 0]]), np.full((1, 3), 2**63, np.uint64)],
)
def test_what_cannot_be_coded_is_refused(points: NDArray[Any]) -> None:
    with pytest.raises(ShapeError):
        pack(PointCloud(points))


def test_contradicting_options_are_refused() -> None:
    for bad in ({"keep_order": True}, {"lossless": True}):
        with pytest.raises(Geo3DError):
            CloudOptions(duplicates="merge", **bad)  # type: ignore[arg-type]
    for worse in ({"quality": 101}, {"quality": -1}, {"quality": float("nan")}, {"quality": 5, "lossless": True}):
        with pytest.raises(Geo3DError):
            CloudOptions(**worse)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [CloudOptions(quality=40, geometry="exact"), CloudOptions("best", quality=5, geometry="exact")]
)
def test_a_few_colours_are_not_blended(options: CloudOptions) -> None:
    points = wavy_surface(3000).points
    palette = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 0]], np.uint8)
    labels = PointCloud(points, palette[(points[:, 0] > points[:, 1]) * 2 + np.arange(len(points)) % 2])
    data, _ = pack(labels, options)
    assert np.array_equal(rows(unpack(data)), rows(labels))


def test_attributes_without_values_are_refused() -> None:
    cloud = wavy_surface(50, 4)
    with pytest.raises(ShapeError, match=r"'empty' is \[\d+, 0\]"):
        pack(PointCloud(cloud.points, attributes={"empty": np.zeros((len(cloud), 0), np.float32)}))
