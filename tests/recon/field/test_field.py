"""A field of a rendered walk: calibration, training, coding and the commands, against what is known of the walk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from geo3d_recon.field import FieldOptions, read_field, reconstruct_field, write_field
from geo3d_recon.field.calibrate import calibrate
from geo3d_recon.field.cameras import FieldCameras
from geo3d_recon.field.coding import from_bundle, to_bundle
from geo3d_recon.field.pictures import load_pictures

from geo3d.bundle import read_bundle
from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.io import open_rgbd
from geo3d.registration.se3 import exp_se3, log_se3
from geo3d.types import PinholeCamera

SMALL = FieldOptions(rays=120_000, batch=4096, refine=False, calibrate=False)
HELD = 4


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


@pytest.fixture(scope="module")
def dataset(walk_folder):
    return open_rgbd(walk_folder)


@pytest.fixture(scope="module")
def field(walk_folder, dataset):
    return reconstruct_field(walk_folder, SMALL, frames=[i for i in range(len(dataset)) if i != HELD])


def seen(field, dataset, i=HELD):
    frame = dataset.load(i)
    T, gain = field.cameras.at(frame.T_world_camera, frame.timestamp)
    color, depth = field.render(field.cameras.camera, T, gain)
    return color, depth, frame


def test_a_frame_that_was_held_out_is_predicted(field, dataset):
    color, depth, frame = seen(field, dataset)
    measured = frame.depth_metres()
    both = (depth > 0) & (measured > 0)
    assert both.mean() > 0.8
    # The sensor's own error at this distance is 2 cm.
    assert np.median(np.abs(depth - measured)[both]) < 0.035
    wanted = frame.color / 255
    flat = psnr(np.broadcast_to(wanted.mean(axis=(0, 1)), wanted.shape), wanted)
    assert psnr(color[both], wanted[both]) > max(flat + 6, 20)


def test_the_same_seed_gives_the_same_field(walk_folder):
    few = replace(SMALL, rays=20_000)
    a, b = (reconstruct_field(walk_folder, few, frames=range(6)) for _ in range(2))
    assert (a.surface.coords == b.surface.coords).all()
    assert a.fine.table == pytest.approx(b.fine.table, abs=1e-3)


def test_a_file_gives_back_the_field(field, dataset, tmp_path):
    size = write_field(tmp_path / "f.g3c", field)
    assert size.bytes == (tmp_path / "f.g3c").stat().st_size
    assert size.bytes < 0.5 * size.float16
    again = read_field(tmp_path / "f.g3c")
    a, b = seen(field, dataset), seen(again, dataset)
    assert b[1] == pytest.approx(a[1], abs=1e-3)
    wanted = a[2].color / 255
    assert psnr(b[0], wanted) > psnr(a[0], wanted) - 0.3
    # What is rounded once stays: a second coding changes nothing.
    first, second = read_bundle(tmp_path / "f.g3c"), to_bundle(again)
    for name, cloud in first.clouds.items():
        assert len(cloud) == len(second.clouds[name])


def test_damaged_and_foreign_bundles_are_refused(field):
    bundle = to_bundle(field)
    with pytest.raises(Geo3DError, match="no radiance field"):
        from_bundle(replace(bundle, files={}), "x")
    about = json.loads(bundle.files["field.json"])
    for key, value in (("version", 99), ("cells", {}), ("surface_cell", -1), ("hidden", 10**9), ("steps", {"fine": 0})):
        broken = replace(bundle, files={"field.json": json.dumps(about | {key: value}).encode()})
        with pytest.raises(Geo3DError):
            from_bundle(broken, "x")
    for name in bundle.arrays:
        with pytest.raises(Geo3DError):
            from_bundle(replace(bundle, arrays=dict(bundle.arrays) | {name: np.full(3, np.nan)}), "x")
    for name in bundle.clouds:
        with pytest.raises(Geo3DError):
            from_bundle(replace(bundle, clouds={k: c for k, c in bundle.clouds.items() if k != name}), "x")


def test_a_wrong_focal_length_is_found(dataset):
    pictures = load_pictures(dataset, range(len(dataset)))
    right = pictures.camera
    wrong = replace(right, fx=right.fx * 0.96, fy=right.fy * 0.96)
    found = calibrate(replace(pictures, camera=wrong))
    assert found.after < found.before
    assert abs(found.camera.fx - right.fx) < 0.5 * abs(wrong.fx - right.fx)
    kept = calibrate(pictures)
    assert abs(kept.camera.fx - right.fx) < 0.015 * right.fx
    assert np.linalg.norm(kept.T_color_camera[:3, 3]) < 0.03


def test_cameras_between_pictures():
    corrections = np.stack([exp_se3(np.array([0, 0, 0.01 * k, 0.1 * k, 0, 0])) for k in range(3)])
    gains = np.array([[0.5, 1, 1], [1, 1, 1], [2, 1, 1.0]])
    cameras = FieldCameras(
        PinholeCamera(8, 8, 8, 8, 4, 4), np.repeat(np.eye(4)[None], 3, 0), corrections, gains, np.array([0.0, 1, 2])
    )
    T, gain = cameras.at(np.eye(4), 1.5)
    assert -log_se3(T)[2] == pytest.approx(0.015, abs=1e-6)
    assert gain == pytest.approx([np.sqrt(2), 1, 1])
    T, gain = cameras.at(np.eye(4))
    assert -log_se3(T)[2] == pytest.approx(0.01, abs=1e-6)
    assert gain == pytest.approx(1)


def test_scans_without_poses_or_colour_are_refused(dataset, walk_folder):
    with pytest.raises(ReconstructionError, match="at least two frames"):
        load_pictures(dataset, [3])
    with pytest.raises(ReconstructionError, match="no poses"):
        reconstruct_field(walk_folder, SMALL, frames=[])


def test_the_commands(walk_folder, tmp_path, capsys):
    from geo3d_recon.commands.reconstruct import reconstruct
    from geo3d_viewer.commands.view import view
    from PIL import Image

    with pytest.raises(Geo3DError, match="written as"):
        reconstruct(walk_folder, out=tmp_path / "f.ply", method="field")
    out = tmp_path / "f.g3c"
    reconstruct(walk_folder, out=out, method="field", minutes=0.02, json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["frames"] == 12
    assert answer["bytes"] == out.stat().st_size
    view((str(out),), snapshot=tmp_path / "s.png", size="160x120", json=True)
    assert np.asarray(Image.open(tmp_path / "s.png")).std() > 10
    with pytest.raises(Geo3DError, match="needs one radiance field"):
        view((str(walk_folder),), render_path=tmp_path / "w.mp4")
