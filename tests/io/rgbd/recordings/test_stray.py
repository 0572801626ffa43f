"""Stray Scanner folders, the video encoded with FFmpeg."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import find_recording, unpack_recording

av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'geo3d-suite[video]'")
W, H, DW, DH, N = 64, 48, 16, 12, 4


def write(folder):
    from scipy.spatial.transform import Rotation

    for name in ("depth", "confidence"):
        (folder / name).mkdir(parents=True)
    with av.open(str(folder / "rgb.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        for i in range(N):
            frame = av.VideoFrame.from_ndarray(np.full((H, W, 3), 40 + 50 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    R = Rotation.random(N, random_state=3)
    t = np.random.default_rng(3).normal(size=(N, 3))
    rows = ["timestamp, frame, x, y, z, qx, qy, qz, qw"]
    for i in range(N):
        rows.append(", ".join(map(repr, [100.0 + i / 30, i, *t[i].tolist(), *R.as_quat()[i].tolist()])))
        Image.fromarray(np.full((DH, DW), 1000 + i, np.uint16)).save(folder / f"depth/{i:06d}.png")
        confidence = np.full((DH, DW), 2, np.uint8)
        confidence[0] = 0
        Image.fromarray(confidence).save(folder / f"confidence/{i:06d}.png")
    (folder / "odometry.csv").write_text("\n".join(rows))
    (folder / "camera_matrix.csv").write_text("60.0, 0.0, 31.5\n0.0, 61.0, 23.5\n0.0, 0.0, 1.0\n")
    return R.as_matrix(), t


def test_frames_poses_and_confidence(tmp_path):
    R, t = write(tmp_path / "scan")
    Image.fromarray(np.full((DH, DW), 1, np.uint16)).save(tmp_path / "scan/depth/000009.png")
    assert find_recording(tmp_path / "scan").name == "Stray Scanner"
    left_out = unpack_recording(tmp_path / "scan", tmp_path / "out")
    assert left_out == {"000009": "the video ends before this frame"}
    dataset = open_rgbd(tmp_path / "out")
    assert dataset.timestamps == pytest.approx(100 + np.arange(N) / 30)
    for i, frame in enumerate(dataset):
        assert np.allclose(frame.T_world_camera[:3, :3], R[i], atol=1e-12)
        assert np.allclose(frame.T_world_camera[:3, 3], t[i], atol=1e-12)
        assert not frame.depth[0].any()
        assert (frame.depth[1:] == 1000 + i).all()
        # The picture that belongs to this frame, not its neighbour.
        assert abs(float(frame.color.mean()) - (40 + 50 * i)) < 8
        assert (frame.camera.fx, frame.camera.fy) == (pytest.approx(15), pytest.approx(61 / 4))
