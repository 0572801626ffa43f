"""The MPEG reference for G-PCC, measured in the same run where its program is installed.

TMC13 has no Python package: build https://github.com/MPEGGroup/mpeg-pcc-tmc13 and put its `tmc3` on the PATH, or name
it in the environment variable GEO3D_TMC3.  The flags are those of MPEG's common test conditions (N17995) for static
clouds: octree geometry without loss (C1), and trisoup (C2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d_compression.octree.choice import is_scattered

_ALWAYS = (
    "--mode=0", "--neighbourAvailBoundaryLog2=8", "--intra_pred_max_node_size_log2=6", "--positionQuantizationScale=1",
    "--planarModeIdcmUse=0", "--disableAttributeCoding=1",
)  # fmt: skip
_OCTREE = ("--trisoupNodeSizeLog2=0", "--mergeDuplicatedPoints=0", "--maxNumQtBtBeforeOt=4", "--minQtbtSizeLog2=0")
_SURFACE = ("--inferredDirectCodingMode=1", "--planarEnabled=0")
# Scattered points take a third less with planes, surfaces without holes a thousandth more.
_SCATTERED = ("--inferredDirectCodingMode=1", "--planarEnabled=1")
_LIDAR = (
    "--inferredDirectCodingMode=3", "--planarEnabled=1", "--maxNumQtBtBeforeOt=6", "--planarModeIdcmUse=32",
    "--partitionMethod=0",
)  # fmt: skip
_TRISOUP = (
    "--mergeDuplicatedPoints=1", "--inferredDirectCodingMode=0", "--planarEnabled=0", "--trisoupQuantizationBits=2",
    "--trisoupFineRayTracingEnabled=0", "--trisoupImprovedEncoderEnabled=1", "--sliceMaxPointsTrisoup=1100000",
    "--sliceMaxPoints=1000000", "--sliceMinPoints=449000",
)  # fmt: skip


def program() -> str | None:
    """Where `tmc3` is, or None."""
    named = os.environ.get("GEO3D_TMC3")
    return named if named and Path(named).is_file() else shutil.which("tmc3")


def encode(points: NDArray[Any], lidar: bool = False) -> bytes:
    """The lossless bitstream of unique points [N, 3], integers of 0 to 2^24 (its PLY reader takes float32)."""
    surface = _SCATTERED if _is_scattered(points) else _SURFACE
    return _encode(points, (*_ALWAYS, *_OCTREE, *(_LIDAR if lidar else surface)))


def encode_trisoup(points: NDArray[Any], node: int) -> bytes:
    """The bitstream of dense points as triangles in nodes of edge `node`: 4, 8, 16 or 32."""
    # The common test conditions spare the smallest nodes the extra vertices.
    extra = int(node > 4)
    flags = (
        f"--trisoupNodeSizeLog2={node.bit_length() - 1}", f"--trisoupCentroidResidualEnabled={extra}",
        f"--trisoupFaceVertexEnabled={extra}",
    )  # fmt: skip
    return _encode(points, (*_ALWAYS, *_TRISOUP, *flags))


def decode(data: bytes) -> NDArray[np.int64]:
    """The points of a bitstream of `encode`."""
    from geo3d.io import read_points

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in.bin").write_bytes(data)
        _run("--mode=1", f"--compressedStreamPath={folder}/in.bin", f"--reconstructedDataPath={folder}/out.ply")
        return np.rint(read_points(Path(folder) / "out.ply").points).astype(np.int64)


def _is_scattered(points: NDArray[Any]) -> bool:
    """True if few points share a cell of twice the size."""
    return is_scattered(len(points), len(np.unique(points.astype(np.int64) >> 1, axis=0)))


def _encode(points: NDArray[Any], flags: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
        header += "property float x\nproperty float y\nproperty float z\nend_header\n"
        (Path(folder) / "in.ply").write_bytes(header.encode() + points.astype("<f4").tobytes())
        _run(*flags, f"--uncompressedDataPath={folder}/in.ply", f"--compressedStreamPath={folder}/out.bin")
        return (Path(folder) / "out.bin").read_bytes()


def _run(*flags: str) -> None:
    done = subprocess.run([program() or "tmc3", *flags], capture_output=True, text=True)
    if done.returncode:
        raise Geo3DError(f"tmc3 failed: {(done.stderr or done.stdout).strip()[-300:]}")
