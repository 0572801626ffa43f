"""Azure Kinect recordings as k4arecorder lays them out, written with FFmpeg; calibration numbers of a real device."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.export import prepared
from geo3d.io import open_rgbd
from geo3d.io.rgbd.recordings import find_recording, unpack_recording
from geo3d.io.rgbd.recordings.azure_kinect import _COLOR_MODES, _DEPTH_MODES, mode_camera

av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'geo3d-suite[video]'")
N = 3
# Printed by the SDK for one device, at 640x576 and 1920x1080, beside the factory's numbers that it computed them from.
DEPTH = [0.5122697949409485, 0.49451231956481934, 0.4921168386936188, 0.4921667277812958, 3.1305770874023438,
         2.324939012527466, 0.1304156482219696, 3.458651542663574, 3.350114583969116, 0.6629416346549988, 0, 0,
         -0.0000511557373101823, 0.00008132171933539212]  # fmt: skip
COLOR = [0.4967627227306366, 0.5108628273010254, 0.470907062292099, 0.6274453997612, 0.7227460145950317,
         -2.8855903148651123, 1.6327226161956787, 0.6021990180015564, -2.7196261882781982, 1.565053105354309, 0, 0,
         -0.0001431911950930953, 0.0007828465895727277]  # fmt: skip


def test_the_factory_numbers_become_those_of_the_sdk() -> None:
    depth = mode_camera({"Intrinsics": {"ModelParameters": DEPTH}}, _DEPTH_MODES, (640, 576), "depth")
    assert [depth.cx, depth.cy, depth.fx, depth.fy] == pytest.approx([332.064270, 325.880615, 503.927643, 503.978729])
    color = mode_camera({"Intrinsics": {"ModelParameters": COLOR}}, _COLOR_MODES, (1920, 1080), "colour")
    assert [color.cx, color.cy, color.fx, color.fy] == pytest.approx([953.284424, 555.142456, 904.141541, 903.521362])
    # k1 k2 p1 p2 k3 k4 k5 k6
    assert color.distortion[:4] == pytest.approx((0.722746, -2.885590, 0.000783, -0.000143), abs=1e-6)
    with pytest.raises(FormatError, match="640x480"):
        mode_camera({"Intrinsics": {"ModelParameters": COLOR}}, _COLOR_MODES, (640, 480), "colour")


# A colour camera 50 mm to the right of the depth camera: what both see is a board at 1 m before a wall at 2 m.
BASE = 0.05
IDEAL_DEPTH = [0.5, 0.5, 0.5, 0.5, *[0.0] * 10]
IDEAL_COLOR = [0.5, 0.5, 0.47, 0.47 * 4 / 3, *[0.0] * 10]


def calibration(depth=IDEAL_DEPTH, color=IDEAL_COLOR):
    def camera(location, parameters, t):
        rt = {"Rotation": np.eye(3).ravel().tolist(), "Translation": t}
        return {"Location": f"CALIBRATION_CameraLocation{location}", "Rt": rt,
                "Intrinsics": {"ModelParameterCount": 14, "ModelParameters": parameters}}  # fmt: skip

    cameras = [camera("D0", depth, [0, 0, 0]), camera("PV0", color, [-BASE, 0, 0])]
    return json.dumps({"CalibrationInformation": {"Cameras": cameras}}).encode() + b"\0"


def seen(fx, fy, cx, cy, w, h, left):
    """(depth, is board) of a camera `left` metres to the right of the board's middle."""
    u, v = np.meshgrid(np.arange(w), np.arange(h))
    board = (np.abs((u - cx) / fx + left) < 0.2) & (np.abs((v - cy) / fy) < 0.15)
    return np.where(board, 1000, 2000).astype(np.uint16), board


def write(path, attach=calibration):
    depth, _ = seen(256, 256, 160 - 0.5, 166 - 0.5, 320, 288, 0.0)
    _, board = seen(0.47 * 1280, 0.47 * 4 / 3 * 960, 640 - 0.5, 480 - 120 - 0.5, 1280, 720, BASE)
    color = np.where(board[..., None], [200, 30, 30], [30, 30, 200]).astype(np.uint8)
    with av.open(str(path), "w", format="matroska", options={"allow_raw_vfw": "1"}) as container:
        if attach is not None:
            container.add_attachment("calibration.json", "application/octet-stream", attach())
        tracks = []
        for codec, name, form, (w, h) in (
            ("mjpeg", "COLOR", "yuvj444p", (1280, 720)), ("rawvideo", "DEPTH", "gray16be", (320, 288)),
            ("rawvideo", "IR", "gray16be", (320, 288)),
        ):  # fmt: skip
            track = container.add_stream(codec, rate=30)
            track.width, track.height, track.pix_fmt = w, h, form
            track.metadata["title"] = name
            if codec == "rawvideo":
                track.codec_context.codec_tag = "b16g"
            tracks.append(track)
        tracks[0].codec_context.options = {"q": "2"}
        for i in range(N):
            for track, image, form in ((tracks[1], depth, "gray16le"), (tracks[2], depth * 0 + 7, "gray16le"),
                                       (tracks[0], color, "rgb24")):  # fmt: skip
                frame = av.VideoFrame.from_ndarray(image, format=form)
                frame.pts = i
                container.mux(track.encode(frame))
        for track in tracks:
            container.mux(track.encode())


def test_depth_is_registered_to_colour(tmp_path) -> None:
    path = tmp_path / "desk.mkv"
    write(path)
    assert find_recording(path).name == "Azure Kinect"
    with pytest.raises(FormatError, match="not registered"):
        unpack_recording(path, tmp_path / "raw")
    assert unpack_recording(path, tmp_path / "out", prepared) == {}
    dataset = open_rgbd(tmp_path / "out")
    assert len(dataset) == N
    assert np.diff(dataset.timestamps) == pytest.approx(1 / 30, abs=2e-3)
    frame = dataset.load(0)
    assert set(np.unique(frame.depth)) <= {0, 1000, 2000}
    # Where there is depth, it is near just where the picture is red: without registration the board lies 13 px off.
    h, w = frame.depth.shape
    v, u = np.mgrid[0:h, 0:w]
    color = frame.color[(v * 720 // h), (u * 1280 // w)]
    is_red = color[..., 0] > color[..., 2]
    known = frame.depth > 0
    assert known.mean() > 0.5
    assert ((frame.depth == 1000) == is_red)[known].mean() > 0.995
    assert (is_red & known).sum() > 4000


def test_films_and_damaged_recordings_are_told_apart(tmp_path) -> None:
    write(tmp_path / "film.mkv", None)
    with pytest.raises(FormatError, match="no known recording"):
        find_recording(tmp_path / "film.mkv")
    write(tmp_path / "odd.mkv", lambda: b'{"CalibrationInformation": 3}')
    with pytest.raises(FormatError, match="calibration cannot be used"):
        unpack_recording(tmp_path / "odd.mkv", tmp_path / "out", prepared)
    write(tmp_path / "whole.mkv")
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 3])
    left_out = unpack_recording(tmp_path / "cut.mkv", tmp_path / "cut", prepared)
    assert len(open_rgbd(tmp_path / "cut")) + len(left_out) <= N
