"""The same stream decodes to the same bytes with any number of threads and in a fresh process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import CloudOptions, CloudView
from geo3d_compression.cloud.options import Profile

sys.path.insert(0, str(Path(__file__).parent))
from clouds import pack, unpack, wavy_surface

CODE = """
import sys
from pathlib import Path
import geo3d_compression
cloud = geo3d_compression.decompress(Path(sys.argv[1]).read_bytes(), threads=int(sys.argv[2]))
sys.stdout.buffer.write(cloud.points.tobytes() + cloud.colors.tobytes())
"""


@pytest.mark.parametrize(("quality", "profile"), [(None, "fast"), (None, "best"), (70.0, "fast")])
def test_threads_and_processes_agree(
    tmp_path: Path, quality: float | None, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (4000,))
    # Enough points for a surface: with a quality, its geometry is lossy.
    cloud = wavy_surface() if quality is None else wavy_surface(60000)
    data, report = pack(cloud, CloudOptions(profile, quality=quality, threads=1))
    assert (report.d1_psnr is None) == (quality is None)
    assert pack(cloud, CloudOptions(profile, quality=quality, threads=2))[0] == data
    one, two = unpack(data, CloudView(threads=1)), unpack(data, CloudView(threads=2))
    assert one.colors is not None
    assert two.colors is not None
    assert np.array_equal(one.points, two.points)
    assert np.array_equal(one.colors, two.colors)
    (tmp_path / "x.g3c").write_bytes(data)
    for threads, extra in (("1", {}), ("2", {"NUMBA_NUM_THREADS": "1", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"})):
        environment = {**os.environ, **extra, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path / "x.g3c"), threads]
        out = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
        assert out == one.points.tobytes() + one.colors.tobytes()
