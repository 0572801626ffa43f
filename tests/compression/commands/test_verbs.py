"""compress, decompress and info as a person calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geo3d_compression.container import ContainerWriter, Item
from PIL import Image

from geo3d.cli import main
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(0, 64, (3000, 3)), axis=0).astype(np.int32)
    write_points(tmp_path / "c.ply", PointCloud(points, rng.integers(0, 255, points.shape).astype(np.uint8)))
    np.save(tmp_path / "c.npy", points)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: Any, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == code
    out = capsys.readouterr()
    if code:
        assert len(out.err.strip().splitlines()) >= 1
        assert "Traceback" not in out.err
        return out.err
    return json.loads(out.out) if "--json" in arguments else out.out


def test_round_trip_and_json(cloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = run(capsys, "compress", cloud / "c.npy", "-o", cloud / "c.g3c", "--grid", 1, "--json")
    points = np.load(cloud / "c.npy")
    assert a["codec"] == "cloud"
    assert a["profile"] == "fast"
    assert a["points"] == len(points)
    assert a["bytes"] == (cloud / "c.g3c").stat().st_size
    assert a["bits_per_unit"] == pytest.approx(8 * a["bytes"] / len(points))
    assert a["seconds"] > 0
    assert a["peak_mb"] > 10
    b = run(capsys, "decompress", cloud / "c.g3c", "-o", cloud / "d.npy", "--json")
    assert b["points"] == len(points)
    back = np.load(cloud / "d.npy")
    assert back.dtype == points.dtype
    assert np.array_equal(np.unique(back, axis=0), points)
    about = run(capsys, "info", cloud / "c.g3c", "--json", "--check")
    assert about["codec"] == "cloud"
    assert about["points"] == len(points)
    assert about["checked"]
    assert "levels" in run(capsys, "info", cloud / "c.g3c")


def test_several_inputs_become_one_file_and_a_folder(cloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(cloud / "poses.npy", np.random.default_rng(0).normal(size=(5, 4, 4)))
    (cloud / "sub").mkdir()
    (cloud / "sub" / "c.ply").write_bytes((cloud / "c.ply").read_bytes())
    run(capsys, "compress", cloud / "c.ply", cloud / "sub" / "c.ply", "-o", cloud / "all.g3c", "--json")
    b = run(capsys, "decompress", cloud / "all.g3c", "-o", cloud / "out", "--json")
    assert [i["name"] for i in b["items"]] == ["c.ply", "c-2.ply"]
    for name in ("c.ply", "c-2.ply"):
        assert len(read_points(cloud / "out" / name)) == len(np.load(cloud / "c.npy"))
    run(capsys, "decompress", cloud / "all.g3c", "-o", cloud / "one.npy", "--item", "c-2.ply")
    assert (cloud / "one.npy").exists()
    assert "has no item 'x'" in run(
        capsys, "decompress", cloud / "all.g3c", "-o", cloud / "y.npy", "--item", "x", code=1
    )
    run(capsys, "compress", cloud / "poses.npy", "-o", cloud / "p.g3c", "--codec", "array")
    run(capsys, "decompress", cloud / "p.g3c", "-o", cloud / "q.npy")
    assert np.load(cloud / "q.npy").tobytes() == np.load(cloud / "poses.npy").tobytes()


def test_pictures_near_and_in_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = np.random.default_rng(1).integers(0, 99, (40, 50, 3)).astype(np.uint8)
    paths = [tmp_path / "left.npy", tmp_path / "right.ppm", tmp_path / "left.ppm"]
    np.save(paths[0], picture)
    for path in paths[1:]:
        Image.fromarray(picture).save(path)
    near = run(capsys, "compress", paths[0], "-o", tmp_path / "near.g3c", "--near", 3, "--json")
    assert (near["codec"], near["exact"], near["max_error"]) == ("image", False, 3)
    run(capsys, "decompress", tmp_path / "near.g3c", "-o", tmp_path / "back.npy")
    assert np.abs(np.load(tmp_path / "back.npy").astype(int) - picture).max() <= 3
    assert "--near" in run(capsys, "compress", tmp_path / "near.g3c", "-o", tmp_path / "x.g3c", "--codec", "file",
                           "--near", 1, code=1)  # fmt: skip
    pair = run(capsys, "compress", paths[2], paths[1], "--stereo", "-o", tmp_path / "pair.g3c", "--json")
    assert (pair["codec"], pair["frames"], pair["exact"]) == ("stereo", 2, True)
    run(capsys, "decompress", tmp_path / "pair.g3c", "-o", tmp_path / "pair")
    assert (tmp_path / "pair" / "right.ppm").read_bytes() == paths[1].read_bytes()
    assert "two INPUTs" in run(capsys, "compress", paths[1], "--stereo", "-o", tmp_path / "x.g3c", code=1)


def test_any_file_is_kept_byte_for_byte_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k, data in enumerate([b"", b"text " * 1000, os.urandom(100_000)]):
        (tmp_path / f"{k}.dat").write_bytes(data)
        run(capsys, "compress", tmp_path / f"{k}.dat", "-o", tmp_path / "f.g3c", "--codec", "file")
        run(capsys, "decompress", tmp_path / "f.g3c", "-o", tmp_path / "back.dat")
        assert (tmp_path / "back.dat").read_bytes() == data


def test_what_no_codec_takes_is_an_error_that_says_so(cloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cloud / "m.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    )
    (cloud / "v.mp4").write_bytes(b"x")
    (cloud / "x.docx").write_bytes(b"x")
    for name, word in {
        "m.ply": "mesh",
        "v.mp4": "video",
        "x.docx": "no known input",
        "none.ply": "does not exist",
    }.items():
        error = run(capsys, "compress", cloud / name, "-o", cloud / "o.g3c", code=1)
        assert word in error
    assert "unknown codec 'zip'" in run(
        capsys, "compress", cloud / "c.npy", "-o", cloud / "o.g3c", "--codec", "zip", code=1
    )
    assert not (cloud / "o.g3c").exists()


def test_failures_leave_no_output(cloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "compress", cloud / "c.ply", cloud / "c.npy", "-o", cloud / "c.g3c")
    data = (cloud / "c.g3c").read_bytes()
    before = sorted(cloud.iterdir())
    for broken in (
        data[:-20],
        data[: len(data) // 2],
        data[:100] + bytes([data[100] ^ 255]) + data[101:],
        b"",
        b"PK\3\4" + data,
    ):
        (cloud / "c.g3c").write_bytes(broken)
        run(capsys, "decompress", cloud / "c.g3c", "-o", cloud / "out", code=1)
        run(capsys, "info", cloud / "c.g3c", "--check", code=1)
        assert sorted(cloud.iterdir()) == before


def test_salvage_writes_what_is_whole(cloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "compress", cloud / "c.npy", cloud / "c.ply", "-o", cloud / "c.g3c")
    data = (cloud / "c.g3c").read_bytes()
    (cloud / "c.g3c").write_bytes(data[:-20])
    error = run(capsys, "decompress", cloud / "c.g3c", "-o", cloud / "out", "--keep-going", code=1)
    assert "lost: 'c.ply'" in error
    assert [p.name for p in (cloud / "out").iterdir()] == ["c.npy"]


@pytest.mark.parametrize("name", ["../evil.bin", "/abs.bin", "a/../../evil.bin", "c:\\evil.bin", ".."])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from geo3d_compression.codecs.file import add_file

    with ContainerWriter() as writer:
        add_file(writer, "good.bin", b"1")
        add_file(writer, name, b"2")
        writer.write(tmp_path / "e.g3c")
    error = run(capsys, "decompress", tmp_path / "e.g3c", "-o", tmp_path / "out", code=1)
    assert "would leave the output folder" in error
    assert [p.name for p in tmp_path.iterdir()] == ["e.g3c"]


def test_a_missing_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from geo3d_compression.cloud import encode_cloud

    with ContainerWriter() as writer:
        item = writer.add_item(Item("a", "cloud", 1, b"\xab" * 8))
        encode_cloud(PointCloud(np.eye(3)), writer, item)
        writer.write(tmp_path / "m.g3c")
    assert "needs the octree model abababab" in run(
        capsys, "decompress", tmp_path / "m.g3c", "-o", tmp_path / "o.npy", code=1
    )


def test_compress_loads_no_heavy_package(cloud: Path) -> None:
    code = (
        "import sys; from geo3d.cli import main; "
        f"assert main(['compress', r'{cloud / 'c.npy'}', '-o', r'{cloud / 'h.g3c'}']) == 0; "
        "bad = {'torch', 'open3d', 'torch_geometric', 'trimesh', 'matplotlib'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
