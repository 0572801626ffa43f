"""Every RGB-D layout, written out from one synthetic sequence and read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from geo3d.errors import FormatError
from geo3d.io import RGBD_FORMATS, open_rgbd

W, H, N = 32, 24, 6
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


class Sequence:
    """Ground truth: depth in millimetres, colour, poses."""

    def __init__(self) -> None:
        from scipy.spatial.transform import Rotation

        rng = np.random.default_rng(0)
        self.depth = rng.integers(500, 4000, (N, H, W)).astype(np.uint16)
        self.depth[:, 0, 0] = 0
        self.color = rng.integers(0, 256, (N, H, W, 3)).astype(np.uint8)
        self.T = np.tile(np.eye(4), (N, 1, 1))
        self.T[:, :3, :3] = Rotation.random(N, random_state=0).as_matrix()
        self.T[:, :3, 3] = rng.normal(size=(N, 3))
        self.K = np.array([[30.0, 0, 15.5], [0, 31.0, 11.5], [0, 0, 1]])


@pytest.fixture
def sequence() -> Sequence:
    return Sequence()


def write_7scenes(folder, s):
    for i in range(N):
        Image.fromarray(s.depth[i]).save(folder / f"frame-{i:06d}.depth.png")
        Image.fromarray(s.color[i]).save(folder / f"frame-{i:06d}.color.png")
        np.savetxt(folder / f"frame-{i:06d}.pose.txt", s.T[i], fmt="%.17g")
    np.savetxt(folder / "intrinsics.txt", s.K)


def write_tum(folder, s):
    from scipy.spatial.transform import Rotation

    (folder / "rgb").mkdir()
    (folder / "depth").mkdir()
    rgb, depth, truth = ["# color"], ["# depth"], ["# poses"]
    for i in range(N):
        t = 1305031100.0 + i / 30
        Image.fromarray(s.depth[i] * 5).save(folder / f"depth/{t:.6f}.png")
        Image.fromarray(s.color[i]).save(folder / f"rgb/{t + 0.004:.6f}.png")
        depth.append(f"{t:.6f} depth/{t:.6f}.png")
        rgb.append(f"{t + 0.004:.6f} rgb/{t + 0.004:.6f}.png")
        q = Rotation.from_matrix(s.T[i, :3, :3]).as_quat()
        truth.append(" ".join(f"{v:.17g}" for v in (t - 0.003, *s.T[i, :3, 3], *q)))
        truth.append(f"{t + 0.015} 0 0 0 0 0 0 1")
    rgb.append("1305031999.0 rgb/none.png")
    depth.append("1305032999.0 depth/none.png")
    (folder / "rgb.txt").write_text("\n".join(rgb))
    (folder / "depth.txt").write_text("\n".join(depth))
    (folder / "groundtruth.txt").write_text("\n".join(truth))
    (folder / "calibration.txt").write_text("30 31 15.5 11.5")


def write_redwood(folder, s):
    (folder / "color").mkdir()
    (folder / "depth").mkdir()
    log = []
    for i in range(N):
        Image.fromarray(s.depth[i]).save(folder / f"depth/{i:05d}.png")
        Image.fromarray(s.color[i]).save(folder / f"color/{i:05d}.png")
        log += [f"{i} {i} {i + 1}", *(" ".join(f"{v:.17g}" for v in row) for row in s.T[i])]
    (folder / "trajectory.log").write_text("\n".join(log))
    camera = {"width": W, "height": H, "intrinsic_matrix": s.K.T.ravel().tolist()}
    (folder / "camera.json").write_text(json.dumps(camera))


def write_scannet(folder, s):
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir()
    for i in range(N):
        Image.fromarray(s.depth[i]).save(folder / f"depth/{i}.png")
        Image.fromarray(s.color[i]).save(folder / f"color/{i}.png")
        np.savetxt(folder / f"pose/{i}.txt", s.T[i], fmt="%.17g")
    K = np.eye(4)
    K[:3, :3] = s.K
    np.savetxt(folder / "intrinsic/intrinsic_depth.txt", K)
    np.savetxt(folder / "intrinsic/intrinsic_color.txt", K)


def write_transforms(folder, s):
    frames = []
    for i in range(N):
        Image.fromarray(s.depth[i]).save(folder / f"depth_{i}.png")
        Image.fromarray(s.color[i]).resize((2 * W, 2 * H), Image.Resampling.NEAREST).save(folder / f"image_{i}.png")
        frames.append(
            {
                "file_path": f"image_{i}.png",
                "depth_file_path": f"depth_{i}.png",
                "transform_matrix": (s.T[i] * np.diag(OPENGL)).tolist(),
            }
        )
    meta = {"fl_x": 60.0, "fl_y": 62.0, "cx": 32.0, "cy": 24.0, "w": 2 * W, "h": 2 * H, "frames": frames[::-1]}
    (folder / "transforms.json").write_text(json.dumps(meta))


WRITERS = {
    "7-scenes": write_7scenes,
    "tum": write_tum,
    "redwood": write_redwood,
    "scannet": write_scannet,
    "transforms.json": write_transforms,
}


def test_every_layout_is_tested():
    assert sorted(WRITERS) == sorted(RGBD_FORMATS)


@pytest.mark.parametrize("layout", WRITERS)
def test_the_same_sequence_comes_out_of_every_layout(tmp_path, sequence, layout):
    WRITERS[layout](tmp_path, sequence)
    dataset = open_rgbd(tmp_path)
    assert dataset.name == RGBD_FORMATS[layout].name
    assert len(dataset) == len(list(dataset)) == N
    assert "6 frames, 6 with poses" in repr(dataset)
    assert np.allclose(dataset.camera.K, sequence.K)
    for i in range(N):
        frame = dataset.load(i)
        assert np.allclose(frame.depth_metres(), sequence.depth[i] / 1000, atol=1e-6)
        assert np.array_equal(frame.color[:: len(frame.color) // H, :: len(frame.color) // H], sequence.color[i])
        assert np.allclose(frame.T_world_camera, sequence.T[i], atol=1e-9)
        assert frame.name == dataset.names[i]
        assert frame.timestamp == dataset.timestamps[i]
        assert dataset.index(dataset.names[i]) == dataset.index(i) == i
        assert dataset.depth_path(i).is_file()
        assert dataset.color_path(i).is_file()
    assert (np.diff(dataset.timestamps) > 0).all()
    assert dataset.index("-1") == N - 1 or "-1" in dataset.names


@pytest.mark.parametrize("layout", WRITERS)
def test_bad_frames_are_named(tmp_path, sequence, layout):
    sequence.T[1] = -np.inf
    WRITERS[layout](tmp_path, sequence) if layout not in ("tum", "redwood") else None
    if layout in ("tum", "redwood"):
        sequence.T[1] = np.eye(4)
        WRITERS[layout](tmp_path, sequence)
    dataset = open_rgbd(tmp_path)
    if layout not in ("tum", "redwood"):
        assert dataset.T_world_camera[1] is None
        with pytest.raises(FormatError, match="not finite"):
            dataset.load(1)
    Image.fromarray(np.zeros((H, W), np.uint16)).save(dataset.depth_path(2))
    with pytest.raises(FormatError, match=r"frame .*no depth at all"):
        dataset.load(2)
    Image.fromarray(np.ones((H, W + 1), np.uint16)).save(dataset.depth_path(3))
    with pytest.raises(FormatError, match="is 33x24, but the camera is 32x24"):
        dataset.load(3)
    dataset.depth_path(4).write_bytes(dataset.depth_path(0).read_bytes()[:60])
    with pytest.raises(FormatError, match="cannot be opened"):
        dataset.load(4)
    dataset.color_path(5).unlink()
    with pytest.raises(FormatError, match="no such file"):
        dataset.load(5)
    dataset.load(0)


def test_7scenes_invalid_depth_and_default_camera(tmp_path, sequence):
    sequence.depth[0, 3, 3] = 65535
    write_7scenes(tmp_path, sequence)
    (tmp_path / "intrinsics.txt").unlink()
    (tmp_path / "frame-000001.pose.txt").unlink()
    dataset = open_rgbd(tmp_path)
    assert dataset.load(0).depth[3, 3] == 0
    assert np.isclose(dataset.camera.fx, 585 * W / 640)
    assert dataset.load(1).T_world_camera is None


def test_transforms_options(tmp_path, sequence):
    write_transforms(tmp_path, sequence)
    meta = json.loads((tmp_path / "transforms.json").read_text())
    meta |= {"depth_unit_scale_factor": 0.0002, "applied_scale": 0.5}
    meta["frames"][0]["fl_x"] = 80.0
    (tmp_path / "transforms.json").write_text(json.dumps(meta))
    dataset = open_rgbd(tmp_path)
    assert dataset.depth_scale == pytest.approx(5000)
    assert np.allclose(dataset.T_world_camera[0][:3, 3], sequence.T[0, :3, 3] * 2)
    assert dataset.load(N - 1).camera.fx == 40
    assert dataset.load(0).camera.fx == 30
    (tmp_path / "sub").mkdir()
    for frame in meta["frames"]:
        (tmp_path / frame["depth_file_path"]).rename(tmp_path / "sub" / frame["depth_file_path"])
        frame["depth_file_path"] = f"sub\\{frame['depth_file_path']}"
    (tmp_path / "transforms.json").write_text(json.dumps(meta))
    assert open_rgbd(tmp_path).load(0).depth.any()
    meta["camera_model"] = "OPENCV_FISHEYE"
    (tmp_path / "transforms.json").write_text(json.dumps(meta))
    with pytest.raises(FormatError, match="undistort"):
        open_rgbd(tmp_path)


def test_colour_of_another_camera_is_moved_onto_depth(tmp_path, sequence):
    write_scannet(tmp_path, sequence)
    K = np.diag([60.0, 62.0, 1, 1])
    K[:2, 2] = 31.5 + 4, 23.5
    np.savetxt(tmp_path / "intrinsic/intrinsic_color.txt", K)
    ramp = np.tile(np.arange(2 * W, dtype=np.uint8)[None, :, None] * 3, (2 * H, 1, 3))
    for i in range(N):
        Image.fromarray(ramp).save(tmp_path / f"color/{i}.png")
    frame = open_rgbd(tmp_path).load(0)
    camera = frame.camera.resized(2 * W, 2 * H)
    u = np.arange(10, 40)
    seen = (u - camera.cx) / camera.fx * K[0, 0] + K[0, 2]
    assert np.allclose(frame.color[20, u, 0], seen * 3, atol=1.01)


def test_nothing_matches(tmp_path):
    with pytest.raises(FormatError) as caught:
        open_rgbd(tmp_path)
    for layout in RGBD_FORMATS.values():
        assert layout.looks_for in str(caught.value)
    with pytest.raises(FormatError, match="not there"):
        open_rgbd(tmp_path / "missing")
    write_7scenes(tmp_path, Sequence())
    dataset = open_rgbd(tmp_path)
    with pytest.raises(FormatError, match="no frame 'zebra'"):
        dataset.index("zebra")


@pytest.mark.parametrize("layout", WRITERS)
def test_damaged_text_files(tmp_path, sequence, layout):
    WRITERS[layout](tmp_path, sequence)
    texts = [
        p for p in sorted(tmp_path.rglob("*")) if p.suffix in (".txt", ".json", ".log") and "pose" not in str(p.parent)
    ]
    for path in texts[:6]:
        data = path.read_bytes()
        for damaged in (b"", b"\0\xff" * 40, data[: len(data) // 2], data.replace(b"0", b"x"), b"1e400 " * 16):
            path.write_bytes(damaged)
            try:
                for i in range(len(dataset := open_rgbd(tmp_path))):
                    dataset.load(i)
            except FormatError:
                continue
        path.write_bytes(data)


def test_samples_and_shared(samples, shared_data):
    assert len(open_rgbd(samples / "box_desk")) == 25
    frame = open_rgbd(shared_data / "reg/smoke_open3d_rgbd/RGBD").load(0)
    assert frame.camera.fx == 525
    assert frame.T_world_camera is not None
    kitchen = open_rgbd(shared_data / "reg/redkitchen_kinect")
    assert len(kitchen) == 500
    assert kitchen.load(0).depth_metres().max() < 10
