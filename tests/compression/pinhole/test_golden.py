"""A golden stream of a frame: it decodes to the same voxels for ever, in any process.

What encodes is free to find the camera differently, so that only decoding is tested.  After a deliberate change of the
stream (bump `codec.TAG`) or of the octree's, write it anew: `python pinhole/test_golden.py` from tests/compression.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parent / "golden" / "frame.bin"
DEPTH = 8
DIGEST = "720024ff81fa6b55decb40ff3dc03840cc25b5c3c7bb77cfb89d6356dce3210b"

_CHILD = """
import hashlib, sys
from geo3d_compression import pinhole
data, chunks = open(sys.argv[1], "rb").read(), []
while data:
    n = int.from_bytes(data[:4], "little")
    chunks.append(data[4 : 4 + n])
    data = data[4 + n :]
print(hashlib.sha256(pinhole.decode(chunks, int(sys.argv[2])).astype("<i8").tobytes()).hexdigest())
"""


@pytest.mark.parametrize("processor", ["", "generic"])
def test_decodes_to_the_same_voxels_in_a_fresh_process(processor: str, tmp_path: Path) -> None:
    # Compiled for another processor it needs a cache of its own, which takes half a minute to fill.
    other = {"NUMBA_CPU_NAME": processor, "NUMBA_CACHE_DIR": str(tmp_path)} if processor else {}
    environment = os.environ | other
    command = [sys.executable, "-c", _CHILD, str(FILE), str(DEPTH)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == DIGEST


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[2]))
    from compression_frames import depth_picture, frame_points, sorted_voxels
    from geo3d_compression import pinhole
    from geo3d_compression.octree.camera import Camera

    voxels, depth, place = sorted_voxels(frame_points(depth_picture(160, 120, 0.004), 150.0), 0.008)
    chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place))
    assert chunks is not None
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(b"".join(len(c).to_bytes(4, "little") + c for c in chunks))
    print(depth, hashlib.sha256(voxels.astype("<i8").tobytes()).hexdigest(), len(chunks))
