"""Mesh files: round trips, trimesh and Open3D as peers, damage."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import MESH_FORMATS, read_geometry, read_mesh, write_mesh
from geo3d.types import PointCloud, TriangleMesh

SUFFIXES = tuple(MESH_FORMATS)


@pytest.fixture
def ball() -> TriangleMesh:
    import trimesh

    sphere = trimesh.creation.icosphere(2)
    vertices = np.asarray(sphere.vertices).astype(np.float32).astype(np.float64)
    colors = np.random.default_rng(0).integers(0, 256, vertices.shape).astype(np.uint8)
    return TriangleMesh(vertices, np.asarray(sphere.faces), colors)


def _corners(mesh: TriangleMesh) -> np.ndarray:
    return mesh.vertices[mesh.faces]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(tmp_path, ball, suffix):
    write_mesh(tmp_path / f"m{suffix}", ball)
    back = read_mesh(tmp_path / f"m{suffix}")
    assert np.array_equal(_corners(back), _corners(ball))
    assert len(back.vertices) == len(ball.vertices)
    assert back.is_watertight
    if suffix != ".stl":
        assert np.array_equal(back.vertices, ball.vertices)
        assert np.array_equal(back.vertex_colors, ball.vertex_colors)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_peers_read_what_we_write(tmp_path, ball, suffix):
    import open3d as o3d
    import trimesh

    write_mesh(tmp_path / f"m{suffix}", ball)
    peer = trimesh.load_mesh(tmp_path / f"m{suffix}", process=False)
    peer = peer.to_mesh() if isinstance(peer, trimesh.Scene) else peer
    assert np.allclose(peer.vertices[peer.faces], _corners(ball), rtol=0, atol=1e-6)
    other = o3d.io.read_triangle_mesh(str(tmp_path / f"m{suffix}"))
    assert len(other.triangles) == len(ball.faces)


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".off"])
def test_utm_coordinates_keep_every_bit(tmp_path, ball, suffix):
    far = TriangleMesh(ball.vertices + [691234.123456, 5412345.654321, 300.5], ball.faces)
    write_mesh(tmp_path / f"m{suffix}", far)
    assert np.array_equal(read_mesh(tmp_path / f"m{suffix}").vertices, far.vertices)


@pytest.mark.parametrize("suffix", [".stl", ".glb"])
def test_single_precision_is_said(tmp_path, ball, suffix, caplog):
    write_mesh(tmp_path / f"m{suffix}", TriangleMesh(ball.vertices + 1e6, ball.faces))
    assert "single precision" in caplog.text


def test_polygons_become_triangles(tmp_path):
    (tmp_path / "q.off").write_text("OFF4 2 0\n0 0 0\n1 0 0 # right\n1 1 0\n0 1 0\n4 0 1 2 3\n2 0 1\n")
    assert read_mesh(tmp_path / "q.off").faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    head = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 2\nproperty uchar quality\nproperty list uchar uint vertex_index\nend_header\n"
    body = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n7 3 0 1 4\n7 4 0 1 2 3\n"
    (tmp_path / "q.ply").write_text(head + body)
    assert read_mesh(tmp_path / "q.ply").faces.tolist() == [[0, 1, 4], [0, 1, 2], [0, 2, 3]]
    (tmp_path / "q.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4 -3 -2 -1\n")
    mesh = read_mesh(tmp_path / "q.obj")
    assert len(mesh.faces) == 2
    assert np.isclose(mesh.to_trimesh().area, 1)


def test_mixed_polygons_in_binary(tmp_path):
    head = b"ply\nformat binary_big_endian 1.0\nelement vertex 4\n"
    head += b"property double x\nproperty double y\nproperty double z\n"
    head += b"element face 2\nproperty list uchar short vertex_indices\nproperty float area\nend_header\n"
    body = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], ">f8").tobytes()
    body += struct.pack(">B3hf", 3, 0, 1, 2, 0.5) + struct.pack(">B4hf", 4, 0, 1, 2, 3, 1.0)
    (tmp_path / "q.ply").write_bytes(head + body)
    assert read_mesh(tmp_path / "q.ply").faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3]]


def test_text_stl(tmp_path, ball):
    (tmp_path / "t.stl").write_text(ball.to_trimesh().export(file_type="stl_ascii"))
    assert np.allclose(_corners(read_mesh(tmp_path / "t.stl")), _corners(ball), atol=1e-6)


def test_read_geometry_tells_clouds_from_meshes(tmp_path, ball):
    from geo3d.io import write_points

    write_mesh(tmp_path / "m.ply", ball)
    write_points(tmp_path / "c.ply", PointCloud(ball.vertices))
    assert isinstance(read_geometry(tmp_path / "m.ply"), TriangleMesh)
    assert isinstance(read_geometry(tmp_path / "c.ply"), PointCloud)
    with pytest.raises(FormatError, match=r"known geometry format \(known: \.ply"):
        read_geometry(tmp_path / "c.docx")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage(tmp_path, ball, survives_damage, suffix):
    import trimesh

    small = trimesh.creation.box()
    write_mesh(tmp_path / f"m{suffix}", TriangleMesh(np.asarray(small.vertices), np.asarray(small.faces)))
    if suffix == ".obj":
        # A cut OBJ is often a smaller OBJ; only its errors are looked at.
        data = (tmp_path / "m.obj").read_bytes()
        for length in range(0, len(data), 5):
            (tmp_path / "x.obj").write_bytes(data[:length])
            try:
                read_mesh(tmp_path / "x.obj")
            except FormatError:
                continue
        return
    survives_damage(read_mesh, tmp_path / f"m{suffix}", count=80)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("h.off", b"OFF\n1000000000000 1000000000000 0\n0 0 0\n"),
        ("h.off", b"OFF\n1 1 0\n0 0 0\n3 0 0 999999999999999999999999\n"),
        ("h.stl", bytes(80) + b"\xff\xff\xff\xff" + bytes(50)),
        ("h.glb", b"glTF\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xffJSON{}"),
        ("h.obj", b"v 0 0 0\nf 1 2 99999999999\n"),
        ("h.ply", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
                  b"element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n3 0 1 2\n"),
    ],
)  # fmt: skip
def test_hostile_headers(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError):
        read_mesh(tmp_path / name)


def test_a_glb_of_zeros_that_are_not_there(tmp_path, ball):
    import json

    write_mesh(tmp_path / "m.glb", ball)
    data = (tmp_path / "m.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    tree = json.loads(data[20 : 20 + length])
    for accessor in tree["accessors"]:
        accessor.pop("bufferView")
        accessor["count"] = 10**9
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = len(text).to_bytes(4, "little") + b"JSON" + text + data[20 + length :]
    (tmp_path / "m.glb").write_bytes(
        b"glTF" + (2).to_bytes(4, "little") + (12 + len(body)).to_bytes(4, "little") + body
    )
    with pytest.raises(FormatError, match="claims 1000000000 elements"):
        read_mesh(tmp_path / "m.glb")


def test_samples(samples):
    for name in ("fixed_top.ply", "mug.ply"):
        mesh = read_geometry(samples / name)
        assert isinstance(mesh, TriangleMesh)
        assert mesh.is_watertight
