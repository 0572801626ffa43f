"""ROS 1 bags, ROS 2 bags (sqlite3 or MCAP): depth, colour, camera info and tf."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, Geo3DError, ShapeError
from geo3d.io.rgbd.association import nearest
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame, Rig
from geo3d.io.rgbd.recordings.ros_images import camera_of, color_of, depth_of, is_color, is_depth
from geo3d.io.rgbd.recordings.ros_transforms import TransformTree, matrix_of, seconds
from geo3d.optional import require
from geo3d.types import PinholeCamera, RGBDFrame

logger = logging.getLogger("geo3d.io")

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_LARGEST_GAP = 0.02
_LONGEST_REASON = 200
_REGISTERED = ("aligned", "registered")


@dataclass(frozen=True)
class _Plan:
    """Which topics are used and which colour belongs to which depth, by time stamps in seconds.

    rig  camera of the colour, and T_color_depth, where the two are not registered
    """

    depth: Any
    color: Any | None
    camera: PinholeCamera
    frame_id: str
    metres_per_step: float
    color_of_depth: dict[float, float]
    transforms: TransformTree
    rig: tuple[PinholeCamera, NDArray[np.float64]] | None = None


class RosBagFormat:
    """A `.bag`, a folder with `metadata.yaml`, or the `.mcap` / `.db3` of one.

    Depth: sensor_msgs/Image 16UC1, mono16 (millimetres, or as RealSense's Depth_Units says), 32FC1 (metres), or
    compressedDepth of 16UC1; colour: Image or CompressedImage, paired by header stamps within 20 ms.  It must be
    registered to the depth (same frame, or a topic called aligned or registered), or its place must be known: from tf,
    or from what RealSense's own recorder writes beside each stream.  Poses from tf, interpolated, in the root of the
    camera's tree.
    """

    name = "ROS bag"
    looks_for = "a .bag, or a ROS 2 bag folder (metadata.yaml with .db3 or .mcap files)"

    def detect(self, path: Path) -> bool:
        if path.is_dir():
            return (path / "metadata.yaml").is_file()
        return path.suffix.lower() in (".bag", ".mcap", ".db3")

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        highlevel = require("rosbags.highlevel", "ros", "reading ROS bags", "rosbags")
        typesys = require("rosbags.typesys", "ros", "reading ROS bags", "rosbags")
        store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
        if path.is_file() and path.suffix.lower() != ".bag" and (path.parent / "metadata.yaml").is_file():
            path = path.parent
        try:
            with highlevel.AnyReader([path], default_typestore=store) as reader:
                yield from _frames(reader, path)
        except Geo3DError:
            raise
        # A damaged bag makes the reader raise anything, errors of memory that false sizes ask for among them.
        except Exception as error:
            reason = f"{type(error).__name__} {error}".strip()[:_LONGEST_REASON]
            raise FormatError(f"{path} is no whole ROS bag: {reason}") from error


def _frames(reader: Any, path: Path) -> Iterator[RecordedFrame]:
    plan = _plan(reader, path)
    wanted = set(plan.color_of_depth.values())
    colors: dict[float, Any] = {}
    waiting: dict[float, Any] = {}
    used = [c for c in (plan.depth, plan.color) if c is not None]
    number = 0
    for connection, _, raw in reader.messages(connections=used):
        message = reader.deserialize(raw, connection.msgtype)
        time = seconds(message.header.stamp)
        if connection.topic == plan.depth.topic:
            waiting[time] = message
        elif time in wanted:
            colors[time] = message
        # In order of time; a depth picture whose colour comes later in the bag waits for it.
        while waiting:
            first = min(waiting)
            partner = plan.color_of_depth.get(first)
            if partner is not None and partner not in colors:
                break
            color = None if partner is None else colors.pop(partner)
            yield _frame(plan, f"{number:06d}", first, waiting.pop(first), color)
            number += 1


def _frame(plan: _Plan, name: str, time: float, depth: Any, color: Any | None) -> RecordedFrame:
    try:
        steps = depth_of(depth, plan.metres_per_step)
        if not steps.any():
            raise FormatError("no depth at all")
        camera = plan.camera.resized(steps.shape[1], steps.shape[0])
        pixels = None if color is None else color_of(color)
        pose = plan.transforms.pose(plan.frame_id, time)
        if plan.rig is None or pixels is None:
            return RecordedFrame(name, RGBDFrame(steps, camera, MILLIMETRES, pixels, pose, time, name))
        seen_by = plan.rig[0].resized(pixels.shape[1], pixels.shape[0])
        frame = RGBDFrame(steps, camera, MILLIMETRES, None, pose, time, name)
        return RecordedFrame(name, frame, rig=Rig(pixels, seen_by, plan.rig[1]))
    except (FormatError, ShapeError) as error:
        return RecordedFrame(name, None, str(error))


def _plan(reader: Any, path: Path) -> _Plan:
    images = {c.topic: c for c in reader.connections if c.msgtype in _IMAGES and c.msgcount}
    firsts = {topic: _first(reader, c) for topic, c in images.items()}
    depth_topics = [t for t, m in firsts.items() if is_depth(m)]
    color_topics = [t for t, m in firsts.items() if is_color(m) and "infra" not in t]
    if not depth_topics:
        known = ", ".join(sorted(c.topic for c in reader.connections)) or "none"
        raise FormatError(
            f"{path} has no depth pictures (16UC1, mono16, 32FC1 or compressedDepth); its topics: {known}"
        )

    transforms = _transforms(reader)

    def registered(depth: str, color: str) -> bool:
        # RealSense's own recorder gives all streams one frame, whatever they are.
        same = firsts[depth].header.frame_id == firsts[color].header.frame_id and not _is_librealsense(depth)
        return same or any(word in depth for word in _REGISTERED)

    def between(depth: str, color: str) -> NDArray[np.float64] | None:
        """T_color_depth."""
        if _is_librealsense(depth):
            return _librealsense_rig(reader, depth, color)
        return transforms.between(firsts[color].header.frame_id, firsts[depth].header.frame_id)

    every = [(d, c) for d in depth_topics for c in color_topics]
    pairs = [p for p in every if registered(*p)] or [p for p in every if between(*p) is not None]
    # The pair with a sensor's own name in common, and the most messages, is the natural one.
    best = max(pairs, key=lambda p: (_common(*p), images[p[0]].msgcount, p), default=None)
    depth = best[0] if best else max(depth_topics, key=lambda t: (images[t].msgcount, t))
    color = best[1] if best else None
    rig = None
    if color is None and color_topics:
        topics = ", ".join(color_topics)
        logger.warning("%s: colour (%s) is left out: it is not registered to depth, and no tf joins them", path, topics)
    elif color is not None and not registered(depth, color):
        T_color_depth = between(depth, color)
        assert T_color_depth is not None
        rig = _camera(reader, color, firsts[color], None, path), T_color_depth
    camera = _camera(reader, depth, firsts[depth], None if rig else color, path)
    times = _stamps(reader, images[depth])
    pairing: dict[float, float] = {}
    if color is not None:
        others = _stamps(reader, images[color])
        match = nearest(np.array(times), np.array(others), _LARGEST_GAP)
        pairing = {t: others[j] for t, j in zip(times, match, strict=True) if j >= 0}
    return _Plan(
        images[depth],
        None if color is None else images[color],
        camera,
        firsts[depth].header.frame_id,
        _depth_unit(reader),
        pairing,
        transforms,
        rig,
    )


def _is_librealsense(topic: str) -> bool:
    return topic.startswith("/device_")


def _librealsense_rig(reader: Any, depth: str, color: str) -> NDArray[np.float64] | None:
    """T_color_depth of two streams `/device_D/sensor_S/STREAM/image/data`.

    Beside each, `tf/GROUP` holds the motion from the group's first stream to this one.
    """
    found = []
    for topic in (depth, color):
        start = topic.rsplit("/image/", 1)[0] + "/tf/"
        tf = next((c for c in reader.connections if c.topic.startswith(start) and c.msgcount), None)
        if tf is None:
            return None
        found.append((tf.topic[len(start) :], matrix_of(_first(reader, tf))))
    (group, T_depth_first), (other, T_color_first) = found
    return T_color_first @ np.linalg.inv(T_depth_first) if group == other else None


def _first(reader: Any, connection: Any) -> Any:
    for _, _, raw in reader.messages(connections=[connection]):
        return reader.deserialize(raw, connection.msgtype)
    raise FormatError(f"topic {connection.topic} says it has messages, but has none")


def _stamps(reader: Any, connection: Any) -> list[float]:
    found = {
        seconds(reader.deserialize(raw, c.msgtype).header.stamp)
        for c, _, raw in reader.messages(connections=[connection])
    }
    return sorted(found)


def _common(a: str, b: str) -> int:
    parts = zip(a.split("/"), b.split("/"), strict=False)
    return next((i for i, (x, y) in enumerate(parts) if x != y), min(a.count("/"), b.count("/")))


def _camera(reader: Any, depth: str, first: Any, color: str | None, path: Path) -> PinholeCamera:
    infos = [c for c in reader.connections if c.msgtype == "sensor_msgs/msg/CameraInfo" and c.msgcount]
    found = {c.topic: _first(reader, c) for c in infos}
    # Beside the depth pictures, else beside the colour that they are registered to, else of the same frame.
    for topic in (depth, color):
        nearby = [t for t in found if topic is not None and _common(t, topic) >= max(topic.count("/") - 1, 1)]
        if nearby:
            return camera_of(found[max(nearby, key=lambda t: (_common(t, topic or ""), t))], "rect" in depth)
    for info in found.values():
        if info.header.frame_id == first.header.frame_id:
            return camera_of(info, "rect" in depth)
    raise FormatError(f"{path} has no camera info for {depth} (topics: {', '.join(found) or 'none'})")


def _depth_unit(reader: Any) -> float:
    for connection in reader.connections:
        if connection.topic.endswith("Depth_Units/value") and connection.msgcount:
            return float(_first(reader, connection).data)
    return 1e-3


def _transforms(reader: Any) -> TransformTree:
    tree = TransformTree()
    used = [c for c in reader.connections if c.topic.lstrip("/") in ("tf", "tf_static")]
    for connection, _, raw in reader.messages(connections=used) if used else ():
        tree.add(reader.deserialize(raw, connection.msgtype), connection.topic.endswith("tf_static"))
    tree.sort()
    return tree
