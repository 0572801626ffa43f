"""Bags of all three kinds, written with rosbags: units, pairing by stamps, tf with a moving base and a fixed mount."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import unpack_recording

pytest.importorskip("rosbags", reason="rosbags is not installed: pip install 'geo3d-suite[ros]'")
W, H, N = 8, 6, 4
K = np.array([10.0, 0, 3.5, 0, 11, 2.5, 0, 0, 1])
T0 = 1700000000.0


def base(time):
    """The robot: 1 m/s along x, turning at 0.5 rad/s."""
    from scipy.spatial.transform import Rotation

    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("z", 0.5 * (time - T0)).as_matrix()
    T[0, 3] = time - T0
    return T


# The optical frame on the robot: z of the camera is x of the robot.
MOUNT = np.array([[0, 0, 1, 0.1], [-1, 0, 0, 0.2], [0, -1, 0, 0.3], [0, 0, 0, 1]], dtype=np.float64)


def write(path, kind, encoding="16UC1", D=(0.0,) * 5):
    from rosbags.rosbag1 import Writer as Writer1
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
    from scipy.spatial.transform import Rotation

    one = kind == "ros1"
    store = get_typestore(Stores.ROS1_NOETIC if one else Stores.ROS2_HUMBLE)
    types = store.types

    def header(time, frame):
        stamp = types["builtin_interfaces/msg/Time"](sec=int(time), nanosec=round(time % 1 * 1e9))
        extra = {"seq": 0} if one else {}
        return types["std_msgs/msg/Header"](**extra, stamp=stamp, frame_id=frame)

    def image(time, array, encoding):
        data = np.ascontiguousarray(array)
        row = data.view(np.uint8).reshape(H, -1)
        # Rows longer than their pixels, as drivers that align memory write them.
        padded = np.hstack([row, np.full((H, 4), 255, np.uint8)])
        return types["sensor_msgs/msg/Image"](
            header(time, "optical"), H, W, encoding, 0, padded.shape[1], padded.reshape(-1)
        )

    def info():
        roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        P = np.hstack([K.reshape(3, 3), np.zeros((3, 1))]).ravel()
        names = ("D", "K", "R", "P") if one else ("d", "k", "r", "p")
        values = dict(zip(names, (np.array(D), K, np.eye(3).ravel(), P), strict=True))
        model = "rational_polynomial" if len(D) == 8 else "plumb_bob"
        return types["sensor_msgs/msg/CameraInfo"](
            header=header(T0, "optical"), height=H, width=W, distortion_model=model, **values,
            binning_x=0, binning_y=0, roi=roi,
        )  # fmt: skip

    def tf(time, parent, child, T):
        q = Rotation.from_matrix(T[:3, :3]).as_quat()
        transform = types["geometry_msgs/msg/Transform"](
            types["geometry_msgs/msg/Vector3"](*T[:3, 3]), types["geometry_msgs/msg/Quaternion"](*q)
        )
        stamped = types["geometry_msgs/msg/TransformStamped"](header(time, parent), child, transform)
        return types["tf2_msgs/msg/TFMessage"]([stamped])

    if one:
        tf_type = ("tf2_msgs/msg/TFMessage",)
        if "tf2_msgs/msg/TFMessage" not in types:
            from rosbags.typesys import get_types_from_msg

            store.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", *tf_type))
    plugin = StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
    writer = Writer1(path) if one else Writer(path, version=9, storage_plugin=plugin)
    with writer as bag:
        connections = {}

        def put(topic, time, message):
            kind_of = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind_of, typestore=store)
            data = store.serialize_ros1(message, kind_of) if one else store.serialize_cdr(message, kind_of)
            bag.write(connections[topic], round(time * 1e9), data)

        put("/tf_static", T0, tf(T0, "base", "optical", MOUNT))
        put("/camera/depth/camera_info", T0, info())
        for i in range(-2, 30):
            put("/tf", T0 + 0.05 * i, tf(T0 + 0.05 * i, "odom", "base", base(T0 + 0.05 * i)))
        for i in range(N):
            time = T0 + 0.1 * i + 0.025
            metres = np.full((H, W), 1.5 + 0.25 * i)
            metres[0, 0] = np.nan if encoding == "32FC1" else 0
            array = metres.astype(np.float32) if encoding == "32FC1" else (metres * 1000).astype(np.uint16)
            put("/camera/depth/image", time + 0.01, image(time, array, encoding))
            color = np.zeros((H, W, 3), np.uint8)
            color[..., 0], color[..., 2] = 200, 10 * i
            # Stamped 5 ms off, and one picture between that belongs to none.
            put("/camera/rgb/image", time + 0.03, image(time + 0.005, color[..., ::-1], "bgr8"))
            put("/camera/rgb/image", time + 0.06, image(time + 0.05, color * 0, "bgr8"))


@pytest.mark.parametrize(("kind", "encoding"), [("ros1", "16UC1"), ("sqlite", "32FC1"), ("mcap", "16UC1")])
def test_frames_of_a_bag(tmp_path, kind, encoding):
    path = tmp_path / ("a.bag" if kind == "ros1" else "a")
    write(path, kind, encoding)
    assert unpack_recording(path, tmp_path / "out") == {}
    dataset = open_rgbd(tmp_path / "out")
    assert len(dataset) == N
    for i, frame in enumerate(dataset):
        time = T0 + 0.1 * i + 0.025
        assert frame.timestamp == pytest.approx(time, abs=1e-6)
        assert frame.depth[0, 0] == 0
        assert (frame.depth[1:] == 1500 + 250 * i).all()
        assert (frame.color == [200, 0, 10 * i]).all()
        assert (frame.camera.fx, frame.camera.cy) == (pytest.approx(10), pytest.approx(2.5))
        # Interpolated half way between two tf messages: a uniform motion is met exactly.
        assert np.abs(frame.T_world_camera - base(time) @ MOUNT).max() < 1e-6


def test_a_bag_without_depth_and_a_damaged_one(tmp_path):
    write(tmp_path / "a.bag", "ros1")
    data = (tmp_path / "a.bag").read_bytes()
    (tmp_path / "b.bag").write_bytes(data[:500])
    with pytest.raises(FormatError, match="no whole ROS bag"):
        unpack_recording(tmp_path / "b.bag", tmp_path / "out")
    write(tmp_path / "c.bag", "ros1", "8UC1")
    with pytest.raises(FormatError, match="no depth pictures"):
        unpack_recording(tmp_path / "c.bag", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["ros1", "sqlite", "mcap"])
def test_whatever_is_damaged_the_rest_is_read_or_the_reason_said(tmp_path, kind):
    write(tmp_path / "a", kind)
    whole = tmp_path / "a"
    (victim,) = [whole] if whole.is_file() else [p for p in whole.iterdir() if p.suffix != ".yaml"]
    path = whole.rename(tmp_path / "a.bag") if whole.is_file() else whole
    victim = path if path.is_file() else victim
    data = victim.read_bytes()
    rng = np.random.default_rng(4)
    reasons = []
    for k in range(40):
        bad = bytearray(data)
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 64))
        bad[at : at + length] = rng.bytes(length) if k % 2 else b"\xff" * length
        victim.write_bytes(bytes(bad[: len(data)]))
        try:
            unpack_recording(path, tmp_path / f"out{k}")
        except FormatError as error:
            reasons.append(str(error).replace(str(path), ""))
            made = (tmp_path / f"out{k}").exists()
            reasons += ["a folder was left behind"] if made else []
    assert reasons
    assert max(map(len, reasons)) < 400
    assert "a folder was left behind" not in reasons


def test_rational_distortion_is_removed_or_refused_never_dropped(tmp_path):
    from geo3d.export import prepared

    write(tmp_path / "a.bag", "ros1", D=(0.5, 0.1, 0, 0, 0.01, 0.4, 0.1, 0.02))
    with pytest.raises(FormatError, match="rational"):
        unpack_recording(tmp_path / "a.bag", tmp_path / "out")
    assert unpack_recording(tmp_path / "a.bag", tmp_path / "out", prepared) == {}
    assert open_rgbd(tmp_path / "out").camera.distortion == ()


def test_opening_a_recording_says_how_to_unpack_it(tmp_path):
    write(tmp_path / "a.bag", "ros1")
    with pytest.raises(FormatError, match="geo3d export rgbd"):
        open_rgbd(tmp_path / "a.bag")
