"""Text clouds: what people's files look like, round trips, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as hnp

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud


@pytest.mark.parametrize(
    ("text", "points", "rest"),
    [
        (b"1 2 3\n4 5 6\n", [[1, 2, 3], [4, 5, 6]], {}),
        (b"\n# made by\n\n1 2 3 # here\n4 nan 6", [[1, 2, 3], [4, np.nan, 6]], {}),
        (b"1,2,3\r\n4,5,6\r\n", [[1, 2, 3], [4, 5, 6]], {}),
        (b"1\t2\t3\r4\t5\t6\r", [[1, 2, 3], [4, 5, 6]], {}),
        (b"x;y;z;class\n1,5;2;3;4\n1,25;2;3;5\n", [[1.5, 2, 3], [1.25, 2, 3]], {"class": [4, 5]}),
        (b"//X Y Z R G B\n1 2 3 255 0 9\n", [[1, 2, 3]], {"colors": [[255, 0, 9]]}),
        (b"Point ID,X,Y,Z,label\n7,0.5,2,3,tree\n8,4,5,6,\n", [[0.5, 2, 3], [4, 5, 6]], {"point_id": [7, 8]}),
        (b"\xef\xbb\xbfz,y,x\n3,2,1\n", [[1, 2, 3]], {}),
        ("x,y,z\n1,2,3\n".encode("utf-16"), [[1, 2, 3]], {}),
        (b"2\n1 2 3 -90 1 2 3\n1 2 4 80 4 5 6\n", [[1, 2, 3], [1, 2, 4]], {"intensity": [-90, 80]}),
        (b"x,y,z,w\n1,2,3,\n4,5,6,7\n", [[1, 2, 3], [4, 5, 6]], {"w": [np.nan, 7]}),
        (b"easting,northing,height\n1e6,2e6,3\n", [[1e6, 2e6, 3]], {}),
        (b"1.#QNAN -1.#IND 3\n-nan(ind) nan(0x8) 6 # end\n", [[np.nan, np.nan, 3], [np.nan, np.nan, 6]], {}),
        (b"x y z nx ny nz\n1 2 3 0 0 1\n", [[1, 2, 3]], {"normals": [[0, 0, 1]]}),
    ],
)
def test_spellings(tmp_path, text, points, rest):
    (tmp_path / "t.txt").write_bytes(text)
    cloud = read_points(tmp_path / "t.txt")
    assert np.array_equal(cloud.points, np.array(points, float), equal_nan=True)
    for name, values in rest.items():
        found = getattr(cloud, name) if name in ("colors", "normals") else cloud.attributes[name]
        assert np.array_equal(found, np.array(values, float), equal_nan=True), name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no line of numbers"),
        (b"hello\n", "a point has 3"),
        (b"1 2\n3 4\n", "2 numbers"),
        (b"1 2 3\n4 5\n", "line 2 of the points has 2 columns, not 3"),
        (b"foo 5 6\n1 2 3\n", "'foo' is not a number"),
        (b"1 2 3\nfoo 5 6\n", "'foo' is not a number"),
        (b"\0\1\2", "zero bytes"),
    ],
)
def test_messages(tmp_path, text, message):
    (tmp_path / "t.xyz").write_bytes(text)
    with pytest.raises(FormatError, match=message):
        read_points(tmp_path / "t.xyz")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=1, min_side=1).map(lambda s: (s[0], 3))))
def test_every_float_reads_back(tmp_path, points):
    for name in ("a.xyz", "a.csv"):
        write_points(tmp_path / name, PointCloud(points))
        assert np.array_equal(read_points(tmp_path / name).points, points, equal_nan=True)


@pytest.mark.parametrize("name", ["c.xyz", "c.csv", "c.txt"])
def test_round_trip_of_everything(tmp_path, make_cloud, name):
    cloud = make_cloud(scale=1e6)
    write_points(tmp_path / name, cloud)
    back = read_points(tmp_path / name)
    assert np.array_equal(back.points, cloud.points)
    assert np.array_equal(back.colors, cloud.colors)
    assert np.array_equal(back.normals, cloud.normals)
    assert np.array_equal(back.attributes["number"], cloud.attributes["number"])
    assert np.array_equal(back.attributes["feature_2"].astype(np.float32), cloud.attributes["feature"][:, 2])


def test_numpy_reads_what_we_write(tmp_path, make_cloud):
    cloud = make_cloud(rich=False)
    write_points(tmp_path / "c.xyz", cloud)
    assert np.array_equal(np.loadtxt(tmp_path / "c.xyz"), cloud.points)


@pytest.mark.parametrize("name", ["c.xyz", "c.csv"])
def test_damage(tmp_path, make_cloud, name):
    write_points(tmp_path / name, make_cloud(10))
    data = (tmp_path / name).read_bytes()
    for length in range(0, len(data), 3):
        (tmp_path / f"cut-{name}").write_bytes(data[:length])
        try:
            read_points(tmp_path / f"cut-{name}")
        except FormatError:
            continue
