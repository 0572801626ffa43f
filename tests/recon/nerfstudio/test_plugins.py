"""The nerfstudio plug-ins in a real nerfstudio: the parser's cameras, and both methods' training for a few steps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import open_rgbd

# The submodule: this folder's own name would pass for the package.
pytest.importorskip(
    "nerfstudio.data", reason="the package 'nerfstudio' is not installed; `make test-full` runs these tests"
)
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Path:
    """10 frames of the bundled scan."""
    target = tmp_path / "desk"
    target.mkdir()
    dataset = open_rgbd(samples / "box_desk")
    kept = tuple(f"{name}." for name in dataset.names[:10])
    for file in (samples / "box_desk").iterdir():
        if not file.name.startswith("frame-") or file.name.startswith(kept):
            shutil.copy(file, target)
    return target


def test_the_parser_gives_cameras_pictures_and_depth(folder: Path, tmp_path: Path) -> None:
    from geo3d_recon.nerfstudio.data import Geo3DDataConfig

    config = Geo3DDataConfig(
        data=folder, orientation_method="none", center_method="none", auto_scale_poses=False, export=tmp_path / "ns"
    )
    parser = config.setup()
    train, held = parser.get_dataparser_outputs("train"), parser.get_dataparser_outputs("val")
    assert [len(train.image_filenames), len(held.image_filenames)] == [8, 2]
    assert len(train.metadata["depth_filenames"]) == 8
    dataset = open_rgbd(folder)
    poses = dict(zip(dataset.names, dataset.T_world_camera, strict=True))
    flip = np.diag([1, -1, -1, 1.0])
    for name, T in zip(train.image_filenames, train.cameras.camera_to_worlds.numpy(), strict=True):
        assert pytest.approx((poses[name.name.split(".")[0]] @ flip)[:3], abs=1e-5) == T
    assert float(train.cameras.fx[0]) == pytest.approx(dataset.camera.fx, rel=1e-6)


def test_data_that_is_none_is_refused(tmp_path: Path) -> None:
    from geo3d_recon.nerfstudio.data import exported

    with pytest.raises(FormatError, match="does not exist"):
        exported(tmp_path / "nowhere")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(FormatError, match="RGB-D folder"):
        exported(tmp_path / "a.txt")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["geo3d-field", "--data", "desk"],
        ["nerfacto", "--pipeline.model.implementation", "torch", "--pipeline.datamanager.train-num-rays-per-batch",
         "256", "geo3d-data", "--data", "desk"],
    ],
    ids=["geo3d-field", "nerfacto"],
)  # fmt: skip
def test_ns_train(words: list[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "geo3d-field" not in entry_points(group="nerfstudio.method_configs").names:
        pytest.skip("geo3d-suite is not installed, only on the path: nerfstudio finds plug-ins by their entry points")
    if words[0] == "nerfacto":
        # nerfacto measures LPIPS with weights from the net; any will do here.
        import torch
        import torchvision

        place = tmp_path / "torch" / "hub" / "checkpoints"
        place.mkdir(parents=True)
        torch.save(torchvision.models.alexnet().state_dict(), place / "alexnet-owt-7be5be79.pth")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    program = Path(sys.executable).with_name("ns-train")
    options = ["--machine.device-type", "cpu", "--vis", "tensorboard", "--max-num-iterations", "4",
               "--steps-per-save", "2", "--output-dir", "out"]  # fmt: skip
    done = subprocess.run(
        [program, words[0], *options, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert list((tmp_path / "out").rglob("step-*.ckpt"))
