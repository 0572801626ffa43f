"""The one 3DMatch fragment pair of the development data, by 3DMatch's own criterion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from geo3d.registration import register


@pytest.mark.shared
def test_a_3dmatch_fragment_pair_is_recalled(shared_data: Path) -> None:
    folder = shared_data / "reg" / "fragments_3dmatch"
    source, target, truth = (np.load(folder / f"{n}.npy") for n in ("src", "ref", "gt"))
    result = register(source, target)
    assert result.converged, result.reason
    # Choi et al. 2015: RMSE of the true correspondences under 0.2 m.
    at_truth = source @ truth[:3, :3].T + truth[:3, 3]
    near, _ = cKDTree(target).query(at_truth)
    moved = source @ result.T_target_source[:3, :3].T + result.T_target_source[:3, 3]
    overlap = near < 0.0375
    assert overlap.sum() > 1000
    assert np.sqrt(((moved - at_truth)[overlap] ** 2).sum(axis=1).mean()) < 0.2
