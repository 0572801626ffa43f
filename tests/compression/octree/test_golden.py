"""Golden streams: they decode for ever, encode to the same bytes, in any process, with any threads and instructions.

After a deliberate change of the stream (bump `codec.VERSION`), write them anew:
`python tests/compression/octree/test_golden.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree import level_coder
from geo3d_compression.octree.network import IntegerNetwork
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "golden"
PROFILES: tuple[octree.Profile, ...] = ("fast", "best")
DEPTH = 6
ORIGIN = [20.25, 30.0, -70.5]


def voxels() -> NDArray[np.int64]:
    """A bumpy sheet, some noise, in Morton order."""
    x, y = np.mgrid[:64, :64].reshape(2, -1)
    # Integers only: a sine could round differently elsewhere.
    z = 20 + (x * x + 3 * y * y) // 512 + (x * 7 + y * 13) % 5 // 4
    sheet = np.stack([x, y, z], 1)
    noise = np.stack([(np.arange(90) * p) % 61 for p in (17, 23, 41)], 1)
    from geo3d_compression.octree.morton import morton_decode, morton_encode

    return morton_decode(np.unique(morton_encode(np.concatenate([sheet, noise]))))


def scattered() -> NDArray[np.int64]:
    """Every eleventh voxel of a bowl, in Morton order: too far apart for neighbours."""
    x, y = np.mgrid[:1024:9, :1024:13].reshape(2, -1)
    bowl = np.stack([x, y, 50 + (x * x + 2 * y * y) // 4096 + (x * 5 + y * 11) % 7 // 3], 1)[::11]
    from geo3d_compression.octree.morton import morton_decode, morton_encode

    return morton_decode(np.sort(morton_encode(bowl)))


def pack(chunks: list[bytes]) -> bytes:
    """Chunks behind their lengths."""
    return b"".join(len(c).to_bytes(4, "little") + c for c in chunks)


def unpack(data: bytes) -> list[bytes]:
    """Inverse of `pack`."""
    chunks = []
    while data:
        n = int.from_bytes(data[:4], "little")
        chunks.append(data[4 : 4 + n])
        data = data[4 + n :]
    return chunks


@pytest.mark.parametrize("profile", PROFILES)
def test_decodes_and_encodes_to_the_same_bytes(profile: octree.Profile) -> None:
    data = (FOLDER / f"{profile}.bin").read_bytes()
    np.testing.assert_array_equal(octree.decode(unpack(data), DEPTH), voxels())
    assert pack(octree.encode(voxels(), DEPTH, profile, ORIGIN)) == data


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sparse_cloud_decodes_and_encodes_to_the_same_bytes(profile: octree.Profile) -> None:
    data = (FOLDER / f"{profile}-scattered.bin").read_bytes()
    np.testing.assert_array_equal(octree.decode(unpack(data), 10), scattered())
    assert pack(octree.encode(scattered(), 10, profile)) == data


@pytest.mark.parametrize("profile", PROFILES)
def test_version_13_is_read(profile: octree.Profile) -> None:
    data = (FOLDER / f"{profile}-13.bin").read_bytes()
    assert data[4] == 13
    np.testing.assert_array_equal(octree.decode(unpack(data), DEPTH), voxels())


def test_integers_proper_make_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks' sums in int64 instead of float32, in the coder's loop too: so no float decides a frequency."""
    monkeypatch.setattr(level_coder, "IntegerNetwork", partial(IntegerNetwork, dtype=np.int64))
    data = (FOLDER / "best.bin").read_bytes()
    chunks = octree.encode(voxels(), DEPTH, "best", ORIGIN)
    assert pack(chunks) == data
    np.testing.assert_array_equal(octree.decode(chunks, DEPTH), voxels())


@pytest.mark.parametrize("nodes", [1, 50])
def test_runs_of_any_length_make_the_same_bytes(nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_coder, "_SUMS_NODES", nodes)
    assert pack(octree.encode(voxels(), DEPTH, "best", ORIGIN)) == (FOLDER / "best.bin").read_bytes()


_CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, test_golden as g
for profile in g.PROFILES:
    data = (g.FOLDER / f"{profile}.bin").read_bytes()
    assert np.array_equal(g.octree.decode(g.unpack(data), g.DEPTH), g.voxels()), profile
    data = (g.FOLDER / f"{profile}-scattered.bin").read_bytes()
    assert np.array_equal(g.octree.decode(g.unpack(data), 10), g.scattered()), profile
"""


def _run(**environment: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(Path(__file__).parent)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_fresh_process_with_one_thread() -> None:
    _run(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", MKL_CBWR="COMPATIBLE")


@pytest.mark.slow
def test_processor_without_vector_instructions(tmp_path: Path) -> None:
    """Numba compiled anew for a generic processor gives the same bits."""
    _run(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in PROFILES:
        (FOLDER / f"{name}.bin").write_bytes(pack(octree.encode(voxels(), DEPTH, name, ORIGIN)))
        (FOLDER / f"{name}-scattered.bin").write_bytes(pack(octree.encode(scattered(), 10, name)))
