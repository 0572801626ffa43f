"""PCD clouds: round trips, peers, hostile headers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud

ENCODINGS = ("ascii", "binary", "binary_compressed")


def _without_bool(cloud):
    attributes = {k: v for k, v in cloud.attributes.items() if v.dtype != bool}
    return PointCloud(cloud.points, cloud.colors, cloud.normals, attributes)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.int64])
def test_round_trip_keeps_values_and_dtypes(tmp_path, make_cloud, assert_same, encoding, dtype):
    cloud = _without_bool(make_cloud(dtype=dtype, scale=1000))
    write_points(tmp_path / "c.pcd", cloud, encoding=encoding)
    assert_same(cloud, read_points(tmp_path / "c.pcd"))


_DTYPES = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_attribute_round_trips(tmp_path, assert_same, data):
    n = data.draw(st.integers(0, 20))
    points = data.draw(hnp.arrays(data.draw(_DTYPES), (n, 3)))
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), max_size=4, unique=True))
    shapes = st.sampled_from([(n,), (n, 2), (n, 5)])
    attributes = {k: data.draw(hnp.arrays(data.draw(_DTYPES), data.draw(shapes))) for k in names}
    cloud = PointCloud(points, attributes=attributes)
    write_points(tmp_path / "c.pcd", cloud, encoding=data.draw(st.sampled_from(ENCODINGS)))
    assert_same(cloud, read_points(tmp_path / "c.pcd"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_open3d_reads_what_we_write_and_we_what_it_writes(tmp_path, make_cloud, encoding):
    import open3d as o3d

    cloud = make_cloud(500, dtype=np.float32)
    write_points(tmp_path / "c.pcd", cloud, encoding=encoding)
    peer = o3d.io.read_point_cloud(str(tmp_path / "c.pcd"))
    assert np.allclose(np.asarray(peer.points), cloud.points, rtol=0, atol=1e-6)
    assert np.array_equal(np.rint(np.asarray(peer.colors) * 255), cloud.colors)
    flags = {"write_ascii": encoding == "ascii", "compressed": encoding == "binary_compressed"}
    o3d.io.write_point_cloud(str(tmp_path / "o.pcd"), cloud.to_open3d(), **flags)
    back = read_points(tmp_path / "o.pcd")
    assert np.allclose(back.points, cloud.points, rtol=0, atol=1e-6)
    assert np.array_equal(back.colors, cloud.colors)


def test_organised_clouds_keep_shape_nan_and_viewpoint(tmp_path):
    points = np.arange(18, dtype=np.float32).reshape(6, 3)
    points[2] = np.nan
    viewpoint = (1.0, 2.0, 3.0, 0.5, 0.5, 0.5, 0.5)
    cloud = PointCloud(points, metadata={"width": 3, "height": 2, "viewpoint": viewpoint})
    for encoding in ENCODINGS:
        write_points(tmp_path / "o.pcd", cloud, encoding=encoding)
        back = read_points(tmp_path / "o.pcd")
        assert np.array_equal(back.points, points, equal_nan=True)
        assert dict(back.metadata) == dict(cloud.metadata)


def test_colours_as_float_unsigned_and_with_alpha(tmp_path):
    head = "VERSION .7\nFIELDS x y z {0}\nSIZE 4 4 4 4\nTYPE F F F {1}\nCOUNT 1 1 1 1\n"
    head += "WIDTH 1\nHEIGHT 1\nPOINTS 1\nDATA ascii\n"
    packed = 0x40FF8001
    for name, kind, value in (
        ("rgb", "U", packed),
        ("rgb", "F", repr(float(np.uint32(packed & 0xFFFFFF).view(np.float32)))),
        ("rgb", "F", packed & 0xFFFFFF),
        ("rgba", "U", packed),
    ):
        (tmp_path / "c.pcd").write_text(head.format(name, kind) + f"1 2 3 {value}\n")
        cloud = read_points(tmp_path / "c.pcd")
        assert cloud.colors.tolist() == [[0xFF, 0x80, 0x01]], (name, kind, value)
        assert ("alpha" in cloud.attributes) == (name == "rgba")


def test_padding_and_counts(tmp_path):
    head = "VERSION 0.7\nFIELDS x _ y z h\nSIZE 4 1 4 4 2\nTYPE F U F F U\nCOUNT 1 3 1 1 2\n"
    head += "WIDTH 2\nHEIGHT 1\nPOINTS 2\nDATA binary\n"
    row = np.zeros(2, np.dtype([("x", "<f4"), ("_", "u1", 3), ("y", "<f4"), ("z", "<f4"), ("h", "<u2", 2)]))
    row["x"], row["h"] = [1, 2], [[3, 4], [5, 6]]
    (tmp_path / "p.pcd").write_bytes(head.encode() + row.tobytes())
    cloud = read_points(tmp_path / "p.pcd")
    assert cloud.points[:, 0].tolist() == [1, 2]
    assert cloud.attributes["h"].tolist() == [[3, 4], [5, 6]]
    assert list(cloud.attributes) == ["h"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_damage(tmp_path, make_cloud, survives_damage, encoding):
    write_points(tmp_path / "c.pcd", make_cloud(20), encoding=encoding)
    survives_damage(read_points, tmp_path / "c.pcd")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_header_that_claims_too_much(tmp_path, encoding):
    head = "FIELDS x y z\nSIZE 8 8 8\nTYPE F F F\nWIDTH 1000000000000\nHEIGHT 1\nPOINTS 1000000000000\n"
    (tmp_path / "h.pcd").write_bytes(f"{head}DATA {encoding}\n".encode() + b"\xff" * 64)
    with pytest.raises(FormatError):
        read_points(tmp_path / "h.pcd")


def test_messages(tmp_path):
    (tmp_path / "m.pcd").write_bytes(b"hello\n")
    with pytest.raises(FormatError, match="not a PCD file"):
        read_points(tmp_path / "m.pcd")
    with pytest.raises(FormatError, match="read back as something else"):
        write_points(tmp_path / "w.pcd", PointCloud(np.zeros((1, 3)), attributes={"rgb": np.zeros(1)}))
