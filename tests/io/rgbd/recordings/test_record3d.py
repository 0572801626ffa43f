"""`.r3d` files packed with the format's own compressor."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from geo3d.errors import FormatError
from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import unpack_recording

lzfse = pytest.importorskip("liblzfse", reason="pyliblzfse is not installed: pip install 'geo3d-suite[record3d]'")
# Portrait, as the app records: depth 6x8 for a picture of 24x32.
W, H, DW, DH, N = 24, 32, 6, 8, 3


def write(path, damage=""):
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(0)
    R = Rotation.random(N, random_state=2)
    t = rng.normal(size=(N, 3))
    coefficients = [[40.0 + i, 41.0, 11.0, 16.5] for i in range(N)]
    meta = {
        "w": W, "h": H, "dw": DW, "dh": DH, "fps": 60, "K": [40, 0, 0, 0, 41, 0, 11, 16.5, 1],
        "poses": np.hstack([R.as_quat(), t]).tolist(), "perFrameIntrinsicCoeffs": coefficients,
        "frameTimestamps": [0.5, 0.6, 0.75],
    }  # fmt: skip
    depth = rng.uniform(0.5, 4, (N, DH, DW)).astype(np.float32)
    depth[:, 0, 0] = np.nan
    confidence = np.full((N, DH, DW), 2, np.uint8)
    confidence[:, 1, 2] = 0
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", "{" if damage == "metadata" else json.dumps(meta))
        for i in range(N):
            picture = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (H, W, 3)).astype(np.uint8)).save(picture, "JPEG")
            archive.writestr(f"rgbd/{i}.jpg", picture.getvalue())
            packed = lzfse.compress(depth[i].tobytes())
            archive.writestr(f"rgbd/{i}.depth", packed[:9] if (damage, i) == ("depth", 1) else packed)
            archive.writestr(f"rgbd/{i}.conf", lzfse.compress(confidence[i].tobytes()))
    return R.as_matrix(), t, depth


def test_poses_units_confidence_and_intrinsics(tmp_path):
    R, t, depth = write(tmp_path / "a.r3d")
    assert unpack_recording(tmp_path / "a.r3d", tmp_path / "out") == {}
    dataset = open_rgbd(tmp_path / "out")
    assert dataset.timestamps.tolist() == [0.5, 0.6, 0.75]
    for i, frame in enumerate(dataset):
        T = frame.T_world_camera
        # The app's camera looks along its -z with y up; ours along +z with y down.
        assert np.allclose(T[:3, 2], -R[i][:, 2], atol=1e-12)
        assert np.allclose(T[:3, 1], -R[i][:, 1], atol=1e-12)
        assert np.allclose(T[:3, 3], t[i], atol=1e-12)
        metres = frame.depth / frame.depth_scale
        assert metres[0, 0] == 0
        assert metres[1, 2] == 0
        assert np.abs(metres - depth[i])[2:].max() <= 0.5001e-3
        assert frame.camera.fx == pytest.approx((40 + i) / 4)
        assert frame.camera.cx == pytest.approx((11 + 0.5) / 4 - 0.5)
        assert frame.color.shape == (H, W, 3)


def test_a_damaged_frame_is_named_and_a_damaged_file_refused(tmp_path):
    write(tmp_path / "a.r3d", "depth")
    assert list(unpack_recording(tmp_path / "a.r3d", tmp_path / "out")) == ["000001"]
    assert len(open_rgbd(tmp_path / "out")) == 2
    write(tmp_path / "b.r3d", "metadata")
    with pytest.raises(FormatError, match="metadata"):
        unpack_recording(tmp_path / "b.r3d", tmp_path / "out2")
    (tmp_path / "c.r3d").write_bytes((tmp_path / "a.r3d").read_bytes()[:300])
    with pytest.raises(FormatError, match="no Record3D file"):
        unpack_recording(tmp_path / "c.r3d", tmp_path / "out3")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.r3d", "b.r3d", "c.r3d", "out"]
    with pytest.raises(FormatError, match="not empty"):
        unpack_recording(tmp_path / "a.r3d", tmp_path / "out")
