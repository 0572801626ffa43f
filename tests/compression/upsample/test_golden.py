"""The same cells make the same voxels: for ever, on any number of threads, with or without vector instructions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from geo3d_compression.upsample.weights import weights_id

sys.path.insert(0, str(Path(__file__).parent))
import golden

WEIGHTS = "06329555de296c74"
GOLDEN = {
    17: "0134708af16d7c2b",
    24: "be60b66e3d07a0dc",
    32: "885c6bdcc377cfe9",
    64: "aec800326de4c8c3",
    101: "c25c5f8557e0eb35",
    160: "8c29359a0b27414d",
}


def test_the_weights_are_those_of_the_golden_voxels() -> None:
    assert weights_id().hex() == WEIGHTS, "new weights: run golden.py and copy what it prints"


@pytest.mark.parametrize("scale", golden.SCALES)
def test_voxels(scale: int) -> None:
    assert golden.voxel_hash(scale) == GOLDEN[scale]
    assert golden.voxel_hash(scale, 2) == GOLDEN[scale]


def test_a_fresh_process_without_vector_instructions() -> None:
    extra = {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3", "OPENBLAS_CORETYPE": "Prescott", "NUMBA_CPU_NAME": "generic"}
    environment = {**os.environ, **extra, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", golden.__file__ or ""]
    out = subprocess.run(command, check=True, capture_output=True, env=environment, text=True).stdout
    assert out.split() == [part for s, h in GOLDEN.items() for part in (f"{s}:", f'"{h}",')]
