"""Bags whose colour comes from another camera than the depth: librealsense's own layout, and tf of a driver."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.io.rgbd.recordings import find_recording

pytest.importorskip("rosbags", reason="rosbags is not installed: pip install 'geo3d-suite[ros]'")
W, H = 8, 6
DEPTH_K, COLOR_K = np.array([10.0, 0, 3.5, 0, 11, 2.5, 0, 0, 1]), np.array([14.0, 0, 4, 0, 15, 2, 0, 0, 1])
# From the group's first stream (infrared, say) to depth, and to colour.
T_DEPTH, T_COLOR = np.eye(4), np.eye(4)
T_DEPTH[:3, 3] = [0.01, 0, 0]
T_COLOR[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
T_COLOR[:3, 3] = [0.015, 0.002, -0.001]


class Bag:
    """A ROS 1 bag that is being written."""

    def __init__(self, path):
        from rosbags.rosbag1 import Writer
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        self.store = get_typestore(Stores.ROS1_NOETIC)
        if "tf2_msgs/msg/TFMessage" not in self.store.types:
            self.store.register(
                get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage")
            )
        self.types = self.store.types
        self.writer = Writer(path)
        self.connections = {}

    def put(self, topic, time, message):
        kind = message.__msgtype__
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, kind, typestore=self.store)
        data = self.store.serialize_ros1(message, kind)
        self.writer.write(self.connections[topic], round(time * 1e9), data)

    def header(self, time, frame):
        stamp = self.types["builtin_interfaces/msg/Time"](sec=int(time), nanosec=round(time % 1 * 1e9))
        return self.types["std_msgs/msg/Header"](seq=0, stamp=stamp, frame_id=frame)

    def image(self, time, frame, array, encoding):
        data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
        return self.types["sensor_msgs/msg/Image"](self.header(time, frame), H, W, encoding, 0, len(data) // H, data)

    def info(self, frame, K):
        roi = self.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        P = np.hstack([K.reshape(3, 3), np.zeros((3, 1))]).ravel()
        return self.types["sensor_msgs/msg/CameraInfo"](
            header=self.header(0, frame), height=H, width=W, distortion_model="plumb_bob", D=np.zeros(5), K=K,
            R=np.eye(3).ravel(), P=P, binning_x=0, binning_y=0, roi=roi,
        )  # fmt: skip

    def transform(self, T):
        from scipy.spatial.transform import Rotation

        q = Rotation.from_matrix(T[:3, :3]).as_quat()
        return self.types["geometry_msgs/msg/Transform"](
            self.types["geometry_msgs/msg/Vector3"](*T[:3, 3]), self.types["geometry_msgs/msg/Quaternion"](*q)
        )

    def pictures(self, depth_topic, color_topic, frames):
        for i in range(2):
            depth = np.full((H, W), 1000 + i, np.uint16)
            color = np.full((H, W, 3), 50 + i, np.uint8)
            self.put(depth_topic, 10 + i, self.image(10 + i, frames[0], depth, "mono16"))
            self.put(color_topic, 10 + i, self.image(10 + i + 0.004, frames[1], color, "rgb8"))


def write_librealsense(path, with_extrinsics=True):
    bag = Bag(path)
    depth, color = "/device_0/sensor_0/Depth_0", "/device_0/sensor_1/Color_0"
    with bag.writer:
        bag.put(f"{depth}/info/camera_info", 0, bag.info("0", DEPTH_K))
        bag.put(f"{color}/info/camera_info", 0, bag.info("0", COLOR_K))
        if with_extrinsics:
            bag.put(f"{depth}/tf/0", 0, bag.transform(T_DEPTH))
            bag.put(f"{color}/tf/0", 0, bag.transform(T_COLOR))
        bag.put("/device_0/sensor_0/option/Depth_Units/value", 0, bag.types["std_msgs/msg/Float32"](0.0005))
        # All of librealsense's streams bear the frame "0".
        bag.pictures(f"{depth}/image/data", f"{color}/image/data", ("0", "0"))


def test_librealsense_says_where_its_colour_camera_is(tmp_path):
    write_librealsense(tmp_path / "a.bag")
    frames = list(find_recording(tmp_path / "a.bag").frames(tmp_path / "a.bag"))
    assert [f.problem for f in frames] == ["", ""]
    for i, recorded in enumerate(frames):
        assert recorded.frame.color is None
        # Half millimetres in the file, whole ones here.
        assert np.abs(recorded.frame.depth - (1000 + i) * 0.5).max() < 0.51
        assert (recorded.frame.camera.fx, recorded.rig.camera.fx) == (10, 14)
        assert (recorded.rig.color == 50 + i).all()
        # A point that the first stream sees at x is at T_DEPTH x for the depth camera, at T_COLOR x for the other.
        x = np.array([0.1, 0.2, 1.5, 1])
        assert np.allclose(recorded.rig.T_color_depth @ (T_DEPTH @ x), T_COLOR @ x, atol=1e-12)


def test_without_extrinsics_the_colour_is_left_out(tmp_path, caplog):
    write_librealsense(tmp_path / "a.bag", with_extrinsics=False)
    frames = list(find_recording(tmp_path / "a.bag").frames(tmp_path / "a.bag"))
    assert all(f.rig is None and f.frame.color is None for f in frames)
    assert "is left out" in caplog.text


def test_tf_between_the_optical_frames_counts(tmp_path):
    bag = Bag(tmp_path / "a.bag")
    stamped = bag.types["geometry_msgs/msg/TransformStamped"]
    tree = [("link", "depth_optical", np.linalg.inv(T_DEPTH)), ("link", "color_optical", np.linalg.inv(T_COLOR))]
    with bag.writer:
        message = bag.types["tf2_msgs/msg/TFMessage"](
            [stamped(bag.header(0, parent), child, bag.transform(T)) for parent, child, T in tree]
        )
        bag.put("/tf_static", 0, message)
        bag.put("/camera/depth/camera_info", 0, bag.info("depth_optical", DEPTH_K))
        bag.put("/camera/color/camera_info", 0, bag.info("color_optical", COLOR_K))
        bag.pictures("/camera/depth/image", "/camera/color/image", ("depth_optical", "color_optical"))
    (first, _) = find_recording(tmp_path / "a.bag").frames(tmp_path / "a.bag")
    assert np.allclose(first.rig.T_color_depth, T_COLOR @ np.linalg.inv(T_DEPTH), atol=1e-12)
    assert first.rig.camera.fx == 14
