"""Polycam's raw folders."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from geo3d.errors import FormatError
from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import find_recording, unpack_recording

W, H, DW, DH = 64, 48, 16, 12
STEMS = ("99000000", "100000000", "100500000")


def write(folder, prefix=""):
    keyframes = folder / "keyframes"
    for name in (f"{prefix}images", f"{prefix}cameras", "depth", "confidence"):
        (keyframes / name).mkdir(parents=True, exist_ok=True)
    R = Rotation.random(len(STEMS), random_state=4).as_matrix()
    t = np.random.default_rng(4).normal(size=(len(STEMS), 3))
    for i, stem in enumerate(STEMS):
        Image.new("RGB", (W, H), (40 * i, 100, 10)).save(keyframes / f"{prefix}images/{stem}.jpg")
        rows = np.column_stack([R[i], t[i]])
        about = {f"t_{r}{c}": float(rows[r, c]) for r in range(3) for c in range(4)}
        about |= {"fx": 50.0, "fy": 51.0, "cx": 31.5, "cy": 23.5, "width": W, "height": H, "blur_score": 80.0}
        (keyframes / f"{prefix}cameras/{stem}.json").write_text(json.dumps(about))
        Image.fromarray(np.full((DH, DW), 1500 + i, np.uint16)).save(keyframes / f"depth/{stem}.png")
        confidence = np.full((DH, DW), 255, np.uint8)
        confidence[:3] = [[0], [54], [127]]
        Image.fromarray(confidence).save(keyframes / f"confidence/{stem}.png")
    return R, t


@pytest.mark.parametrize("prefix", ["", "corrected_"])
def test_frames_poses_and_confidence(tmp_path, prefix):
    R, t = write(tmp_path / "room", prefix)
    (tmp_path / f"room/keyframes/{prefix}images/{STEMS[1]}.jpg").unlink()
    assert find_recording(tmp_path / "room").name == "Polycam"
    left_out = unpack_recording(tmp_path / "room", tmp_path / "out")
    assert left_out == {STEMS[1]: "it has no picture"}
    dataset = open_rgbd(tmp_path / "out")
    assert dataset.timestamps == pytest.approx([99.0, 100.5])
    for k, i in enumerate((0, 2)):
        frame = dataset.load(k)
        # The camera looks along its -z, y is up: OpenCV's z is the third column turned round.
        assert np.allclose(frame.T_world_camera[:3, 2], -R[i][:, 2], atol=1e-9)
        assert np.allclose(frame.T_world_camera[:3, 1], -R[i][:, 1], atol=1e-9)
        assert np.allclose(frame.T_world_camera[:3, 3], t[i], atol=1e-9)
        assert not frame.depth[0].any()
        assert (frame.depth[1:] == 1500 + i).all()
        assert (frame.camera.fx, frame.camera.fy) == (pytest.approx(50 / 4), pytest.approx(51 / 4))


def test_the_corrected_cameras_count(tmp_path):
    write(tmp_path / "room")
    write(tmp_path / "room", "corrected_")
    about = json.loads((tmp_path / f"room/keyframes/corrected_cameras/{STEMS[0]}.json").read_text())
    moved = about | {"t_03": 7.0}
    (tmp_path / f"room/keyframes/corrected_cameras/{STEMS[0]}.json").write_text(json.dumps(moved))
    unpack_recording(tmp_path / "room", tmp_path / "out")
    assert open_rgbd(tmp_path / "out").load(0).T_world_camera[0, 3] == pytest.approx(7.0)


def test_a_camera_without_a_number_is_left_out(tmp_path):
    write(tmp_path / "room")
    for stem in STEMS:
        path = tmp_path / f"room/keyframes/cameras/{stem}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"t_11": None}))
    with pytest.raises(FormatError, match="t_11"):
        unpack_recording(tmp_path / "room", tmp_path / "out")
