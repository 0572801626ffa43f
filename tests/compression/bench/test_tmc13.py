"""The peer's program is driven as it wants to be; a stand-in for it shows what it was given."""

import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench import pcc, tmc13
from geo3d_compression.bench.cases import Case

from geo3d.errors import Geo3DError
from geo3d.types import PointCloud

# Keeps the PLY file as its stream, and the flags beside it.
_PROGRAM = """#!{python}
import shutil, sys
flags = dict(f[2:].split("=", 1) for f in sys.argv[1:])
if "fail" in flags.get("compressedStreamPath", ""):
    sys.exit("no such sequence")
if flags["mode"] == "0":
    shutil.copy(flags["uncompressedDataPath"], flags["compressedStreamPath"])
    open({log!r}, "w").write(repr(flags))
else:
    shutil.copy(flags["compressedStreamPath"], flags["reconstructedDataPath"])
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path, log = tmp_path / "tmc3", tmp_path / "flags.txt"
    path.write_text(_PROGRAM.format(python=sys.executable, log=str(log)))
    path.chmod(0o755)
    monkeypatch.setenv("GEO3D_TMC3", str(path))
    return log


POINTS = np.unique(np.random.default_rng(0).integers(0, 4000, (500, 3)), axis=0).astype(np.int32)


def test_points_reach_the_program_and_come_back(program: Path) -> None:
    assert np.array_equal(tmc13.decode(tmc13.encode(POINTS)), POINTS)
    flags = program.read_text()
    assert "'planarEnabled': '1'" in flags, "scattered points"
    assert "'trisoupNodeSizeLog2': '0'" in flags
    tmc13.encode(np.argwhere(np.ones((8, 8, 8))).astype(np.int32))
    assert "'planarEnabled': '0'" in program.read_text()
    tmc13.encode(POINTS, lidar=True)
    assert "'planarEnabled': '1'" in program.read_text()
    tmc13.encode_trisoup(POINTS, 16)
    assert "'trisoupNodeSizeLog2': '4'" in program.read_text()


@pytest.mark.usefixtures("program")
def test_a_failing_program_is_reported() -> None:
    with pytest.raises(Geo3DError, match="tmc3 failed"):
        tmc13._run("--mode=2")


def test_a_named_program_that_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEO3D_TMC3", "/nowhere/tmc3")
    monkeypatch.setenv("PATH", "")
    assert tmc13.program() is None


@pytest.mark.usefixtures("program")
def test_the_suite_measures_it_before_it_trusts_records() -> None:
    row = pcc._reference(Case("noise", "dense", "as is", PointCloud(POINTS), 4.0, (1.0, 1.0)))
    assert row is not None
    assert row["codec"] == "TMC13"
    assert row["exact"]
    assert row["bytes"] == len(tmc13.encode(POINTS))
    assert row["of_tmc13"] == 1.0
    # The time of a program that was run counts.
    assert row["enc_cpu_s"] > 0
