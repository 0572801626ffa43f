"""The same cells make the same voxels: for ever, on any number of threads, with or without vector instructions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from geo3d_compression.upsample.weights import weights_id

sys.path.insert(0, str(Path(__file__).parent))
import golden

WEIGHTS = "87a846ec8a6258ad"
GOLDEN = {
    17: "3a98b0ccf75aac5b",
    24: "d73b74f738ada91c",
    32: "7273fe343a233534",
    64: "3787297cf38a60be",
    101: "b8202ea23a29adcf",
    160: "688296585cbe4ce4",
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
