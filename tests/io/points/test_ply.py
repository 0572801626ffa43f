"""PLY clouds: round trips, peers, files of others, hostile headers."""

from __future__ import annotations

import gzip
import lzma
import resource

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud

ENCODINGS = ("binary_little_endian", "binary_big_endian", "ascii")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint16, np.int64])
def test_round_trip_keeps_values_and_dtypes(tmp_path, make_cloud, assert_same, encoding, dtype):
    cloud = make_cloud(dtype=dtype, scale=100 if np.dtype(dtype).kind == "f" else 10)
    if dtype == np.uint16:
        cloud = PointCloud(np.abs(cloud.points), cloud.colors, cloud.normals, cloud.attributes)
    write_points(tmp_path / "c.ply", cloud, encoding=encoding)
    assert_same(cloud, read_points(tmp_path / "c.ply"))


_DTYPES = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_attribute_round_trips(tmp_path, assert_same, data):
    n = data.draw(st.integers(0, 20))
    points = data.draw(hnp.arrays(data.draw(_DTYPES), (n, 3)))
    names = data.draw(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), max_size=4, unique=True))
    taken = {"x", "y", "z", "r", "g", "b", "nx", "ny", "nz"}
    attributes = {k: data.draw(hnp.arrays(data.draw(_DTYPES), n)) for k in names if k not in taken}
    cloud = PointCloud(points, attributes=attributes)
    write_points(tmp_path / "c.ply", cloud, encoding=data.draw(st.sampled_from(ENCODINGS)))
    assert_same(cloud, read_points(tmp_path / "c.ply"))


def test_open3d_and_trimesh_read_what_we_write(tmp_path, make_cloud):
    import open3d as o3d
    import trimesh

    cloud = make_cloud(scale=1e3)
    for encoding in ENCODINGS:
        write_points(tmp_path / "c.ply", cloud, encoding=encoding)
        tensor = o3d.t.io.read_point_cloud(str(tmp_path / "c.ply"))
        assert np.array_equal(tensor.point.positions.numpy(), cloud.points)
        assert np.array_equal(tensor.point.colors.numpy(), cloud.colors)
        peer = trimesh.load(tmp_path / "c.ply")
        assert np.allclose(peer.vertices, cloud.points, rtol=0, atol=1e-9)


def test_we_read_what_open3d_writes(tmp_path, make_cloud):
    import open3d as o3d

    cloud = make_cloud()
    for ascii_ in (True, False):
        o3d.io.write_point_cloud(str(tmp_path / "o.ply"), cloud.to_open3d(), write_ascii=ascii_)
        back = read_points(tmp_path / "o.ply")
        assert np.allclose(back.points, cloud.points, rtol=0, atol=1e-5 if ascii_ else 1e-12)
        assert np.array_equal(back.colors, cloud.colors)
        assert np.allclose(back.normals, cloud.normals, atol=1e-5)


def test_utm_coordinates_keep_every_bit(tmp_path):
    points = np.array([[499999.9994, 5412345.6781, 312.0009], [500000.0006, 5412345.6789, 312.0001]])
    for encoding in ENCODINGS:
        write_points(tmp_path / "u.ply", PointCloud(points), encoding=encoding)
        assert np.array_equal(read_points(tmp_path / "u.ply").points, points)


HAND_WRITTEN = b"""ply
format ascii 1.0
comment made by hand
element camera 1
property float fov
element vertex 3
property float x
property float y
property float z
property uchar diffuse_red
property uchar diffuse_green
property uchar diffuse_blue
property uchar alpha
property list uchar int neighbours
element face 1
property list uchar int vertex_index
end_header
60
0 0 0 255 0 1 9 2 1 2
1 0 0 255 0 2 9 0
0 1 nan 255 0 3 9 1 0
3 0 1 2
"""


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_other_elements_lists_and_line_ends_are_tolerated(tmp_path, ending):
    (tmp_path / "h.ply").write_bytes(HAND_WRITTEN.replace(b"\n", ending))
    cloud = read_points(tmp_path / "h.ply")
    assert cloud.colors.tolist() == [[255, 0, 1], [255, 0, 2], [255, 0, 3]]
    assert cloud.attributes["alpha"].tolist() == [9, 9, 9]
    assert np.isnan(cloud.points[2, 2])  # returned as it is
    assert cloud.metadata["comments"] == ("made by hand",)


def test_gaussian_splat_columns_survive(tmp_path):
    names = [f"f_rest_{i}" for i in range(45)] + ["opacity", "scale_0", "rot_0"]
    cloud = PointCloud(
        np.zeros((4, 3), np.float32), attributes={k: np.full(4, i, np.float32) for i, k in enumerate(names)}
    )
    write_points(tmp_path / "s.ply", cloud)
    assert list(read_points(tmp_path / "s.ply").attributes) == names


def test_packed_files_are_read_and_bombs_refused(tmp_path, make_cloud, assert_same):
    cloud = make_cloud()
    write_points(tmp_path / "c.ply", cloud)
    data = (tmp_path / "c.ply").read_bytes()
    (tmp_path / "c.ply.gz").write_bytes(gzip.compress(data))
    (tmp_path / "c.ply.xz").write_bytes(lzma.compress(data))
    assert_same(cloud, read_points(tmp_path / "c.ply.gz"))
    assert_same(cloud, read_points(tmp_path / "c.ply.xz"))
    (tmp_path / "bomb.ply.xz").write_bytes(lzma.compress(bytes(100 << 20), preset=0))
    with pytest.raises(FormatError, match="unpacks to more than"):
        read_points(tmp_path / "bomb.ply.xz")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_damage(tmp_path, make_cloud, survives_damage, encoding):
    write_points(tmp_path / "c.ply", make_cloud(20), encoding=encoding)
    survives_damage(read_points, tmp_path / "c.ply")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [10**12, 2**62, 10**17])
@pytest.mark.parametrize("extra", [b"", b"property list uint int more\n"])
def test_a_header_that_claims_too_much_costs_nothing(tmp_path, encoding, size, extra):
    header = b"ply\nformat %s 1.0\nelement vertex %d\n" % (encoding.encode(), size)
    header += b"property double x\nproperty double y\nproperty double z\n" + extra + b"end_header\n"
    (tmp_path / "h.ply").write_bytes(header + b"1 2 3\n" * 100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match=r"promises|impossible size"):
        read_points(tmp_path / "h.ply")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_list_that_claims_too_much_is_refused(tmp_path):
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
    header += b"property float z\nproperty list uint double more\nend_header\n"
    (tmp_path / "l.ply").write_bytes(header + bytes(12) + b"\xff\xff\xff\x7f" + bytes(64))
    with pytest.raises(FormatError, match="impossible length"):
        read_points(tmp_path / "l.ply")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not a PLY file"),
        (b"not a ply", "not a PLY file"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n", "does not end"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n", "no x, y, z"),
        (b"ply\nformat ascii 1.0\nelement face 1\nproperty float x\nend_header\n1\n", "no element 'vertex'"),
        (b"ply\nformat middle 1.0\nelement vertex 1\nend_header\n", "unknown PLY format 'middle'"),
        (b"ply\nelement vertex 1\nend_header\n", "no 'format' line"),
        (b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n", "impossible size"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty quad x\nend_header\n", "property not understood"),
    ],
)
def test_messages(tmp_path, text, message):
    (tmp_path / "m.ply").write_bytes(text)
    with pytest.raises(FormatError, match=message):
        read_points(tmp_path / "m.ply")


def test_refuses_what_it_could_not_read_back(tmp_path):
    zeros = np.zeros((2, 3))
    with pytest.raises(FormatError, match="white space"):
        write_points(tmp_path / "r.ply", PointCloud(zeros, attributes={"a b": np.zeros(2)}))
    with pytest.raises(FormatError, match="taken"):
        write_points(tmp_path / "r.ply", PointCloud(zeros, attributes={"x": np.zeros(2)}))
    with pytest.raises(FormatError, match="no PLY type"):
        write_points(tmp_path / "r.ply", PointCloud(zeros, attributes={"id": np.array([0, 2**63 - 1])}))
    with pytest.raises(FormatError, match="unknown PLY encoding"):
        write_points(tmp_path / "r.ply", PointCloud(zeros), encoding="utf-8")
    assert not list(tmp_path.iterdir())


def test_shared_files(shared_data):
    cloud = read_points(shared_data / "pcc/indoor/7scenes_fused_1cm.ply.xz")
    assert len(cloud) == 1219294
    assert cloud.points.dtype.kind in "iu"
    assert len(read_points(shared_data / "pcc/humans/andrew9_vox9.ply")) == 277290
