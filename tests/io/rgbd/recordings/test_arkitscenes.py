"""Folders as ARKitScenes holds them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import find_recording, unpack_recording

W, H = 16, 12
TIMES = (6791.234, 6791.251, 6791.334)


def write(folder):
    for name in ("lowres_wide", "lowres_depth", "confidence", "lowres_wide_intrinsics"):
        (folder / name).mkdir(parents=True)
    R = Rotation.random(3, random_state=5)
    t = np.random.default_rng(5).normal(size=(3, 3))
    for i, time in enumerate(TIMES):
        stem = f"40753679_{time:.3f}"
        Image.new("RGB", (W, H), (10, 40 * i, 100)).save(folder / f"lowres_wide/{stem}.png")
        Image.fromarray(np.full((H, W), 900 + i, np.uint16)).save(folder / f"lowres_depth/{stem}.png")
        confidence = np.full((H, W), 1, np.uint8)
        confidence[-1] = 0
        Image.fromarray(confidence).save(folder / f"confidence/{stem}.png")
        # The last one's time is off in its last digit.
        pincam = f"40753679_{time + (0.001 if i == 2 else 0):.3f}.pincam"
        (folder / "lowres_wide_intrinsics" / pincam).write_text("16 12 13.5 13.6 7.5 5.5")
    rows = [" ".join(f"{v:.12g}" for v in (TIMES[i] + 0.0004, *R[i].as_rotvec(), *t[i])) for i in (0, 2)]
    (folder / "lowres_wide.traj").write_text("\n".join(rows) + "\n")
    return R.as_matrix(), t


def test_poses_are_inverted_and_matched_by_time(tmp_path):
    R, t = write(tmp_path / "40753679")
    assert find_recording(tmp_path / "40753679").name == "ARKitScenes"
    assert unpack_recording(tmp_path / "40753679", tmp_path / "out") == {}
    dataset = open_rgbd(tmp_path / "out")
    assert dataset.timestamps == pytest.approx(TIMES)
    # The second picture lies between two poses.
    assert dataset.load(1).T_world_camera is None
    for i in (0, 2):
        frame = dataset.load(i)
        assert np.allclose(frame.T_world_camera[:3, :3], R[i].T, atol=1e-9)
        assert np.allclose(R[i] @ frame.T_world_camera[:3, 3] + t[i], 0, atol=1e-9)
        assert (frame.depth[:-1] == 900 + i).all()
        assert not frame.depth[-1].any()
        assert frame.camera.fx == pytest.approx(13.5)
