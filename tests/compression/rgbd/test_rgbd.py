"""Folders of frames come back byte for byte, smaller where the camera moves over a known surface."""

from __future__ import annotations

import filecmp
import io
import json
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.image.stored import encode_bytes_any
from geo3d_compression.rgbd import codec, plan
from geo3d_compression.rgbd.folder import read_folder
from geo3d_compression.rgbd.inspect import frame_bytes, frame_cost
from geo3d_compression.rgbd.predict import CodedFrame
from geo3d_compression.rgbd.views import choose_backs
from PIL import Image

from geo3d.errors import BitstreamError, FormatError, Geo3DError

WIDTH, HEIGHT, DEPTH = 96, 64, 1500


def texture() -> np.ndarray:
    """A wall, 300x400, smooth and detailed, from integers."""
    rng = np.random.default_rng(7)
    wall = np.zeros((300, 400, 3))
    for cells in (5, 15, 50, 150):
        coarse = rng.integers(-40, 40, (cells, cells * 4 // 3, 3)).astype(np.uint8).view(np.int8)
        big = [
            np.asarray(Image.fromarray(coarse[..., c].astype(np.float32)).resize((400, 300), Image.Resampling.BICUBIC))
            for c in range(3)
        ]
        wall += np.stack(big, -1)
    return np.clip(wall + 128, 0, 255).astype(np.uint8)


def write_folder(folder: Path, frames: int = 4, suffix: str = "jpg") -> Path:
    """A camera that slides along the wall."""
    folder.mkdir(parents=True)
    wall = texture()
    f = 100.0
    for i in range(frames):
        left = 20 + 3 * i
        Image.fromarray(wall[40 : 40 + HEIGHT, left : left + WIDTH]).save(
            folder / f"frame-{i:06d}.color.{suffix}", quality=92
        )
        Image.fromarray(np.full((HEIGHT, WIDTH), DEPTH, np.uint16)).save(folder / f"frame-{i:06d}.depth.png")
        pose = np.eye(4)
        pose[0, 3] = 3 * i * DEPTH / 1000 / f
        np.savetxt(folder / f"frame-{i:06d}.pose.txt", pose)
    np.savetxt(folder / "intrinsics.txt", [[f, 0, WIDTH / 2], [0, f, HEIGHT / 2], [0, 0, 1]])
    (folder / "meta.json").write_text(json.dumps({"width": WIDTH, "height": HEIGHT, "depth_scale": 1000}))
    return folder


def compress(folder: Path, threads: int = 2, profile: str = "best") -> bytes:
    with ContainerWriter() as writer:
        codec.compress(folder, writer, folder.name, Request(profile, threads=threads))
        return writer.to_bytes()


def decompress(data: bytes, target: Path, view: View | None = None) -> None:
    with Container(data) as container:
        codec.decompress(container, 0, target, view or View())


def same(a: Path, b: Path) -> bool:
    names = sorted(p.relative_to(a) for p in a.rglob("*") if p.is_file())
    if names != sorted(p.relative_to(b) for p in b.rglob("*") if p.is_file()):
        return False
    return all(filecmp.cmp(a / n, b / n, shallow=False) for n in names)


def color_bytes(data: bytes) -> int:
    with Container(data) as container:
        return sum(c.length for c in container.chunks if c.part < 1 << 20 and c.type == 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("rgbd") / "wall")


@pytest.fixture(scope="module")
def stream(folder: Path) -> bytes:
    return compress(folder)


def test_comes_back(folder: Path, stream: bytes, tmp_path: Path) -> None:
    decompress(stream, tmp_path / "out")
    assert same(folder, tmp_path / "out")
    assert len(stream) < 0.8 * sum(p.stat().st_size for p in folder.iterdir())


def test_the_earlier_frame_helps(folder: Path, stream: bytes, tmp_path: Path) -> None:
    """Frames in random order of place, as separate folders, cost more than as one walk."""
    alone = 0
    for i in range(4):
        single = tmp_path / f"s{i}"
        single.mkdir()
        (single / "frame.jpg").write_bytes((folder / f"frame-{i:06d}.color.jpg").read_bytes())
        alone += color_bytes(compress(single))
    assert color_bytes(stream) < 0.8 * alone


def test_png_frames_are_predicted_too(tmp_path: Path) -> None:
    """PNG frames come back byte for byte, and cost much less than each alone."""
    walk = write_folder(tmp_path / "walk", 3, "png")
    (walk / "frame-000001.color.png").write_bytes(_grey_png())
    data = compress(walk, profile="fast")
    decompress(data, tmp_path / "out", View(threads=1))
    assert same(walk, tmp_path / "out")
    whole = write_folder(tmp_path / "whole", 3, "png")
    alone = sum(len(encode_bytes_any(p.read_bytes(), "fast")) for p in whole.glob("*.color.png"))
    assert color_bytes(compress(whole, profile="fast")) < 0.8 * alone


def _grey_png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(texture()[40 : 40 + HEIGHT, 23 : 23 + WIDTH]).convert("L").save(out, "PNG")
    return out.getvalue()


def test_references_follow_the_view(tmp_path: Path) -> None:
    """Two cameras in turn: the frame before the last is the better reference, and is found."""
    z = np.full((HEIGHT, WIDTH), 1.5)
    layout = (WIDTH, HEIGHT, 1, 1)

    def frame(x: float) -> tuple[CodedFrame, np.ndarray]:
        pose = np.eye(4)
        pose[0, 3] = x
        return CodedFrame((), z, layout), pose

    camera = (100.0, 100.0, WIDTH / 2, HEIGHT / 2)
    history = [frame(0.0), frame(5.0), frame(0.02), frame(5.02)]
    assert choose_backs(frame(0.04), history, camera, 2) == [2, 4]
    assert choose_backs(frame(5.04), history, camera, 1) == [1]
    assert choose_backs((CodedFrame((), z, layout), None), history, camera, 2) == [1, 2]
    assert choose_backs((CodedFrame((), z, (1, 1, 1, 1)), None), history, camera, 2) == []


def test_threads_and_groups_do_not_change_the_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "GROUP", 2)
    one = compress(folder, 1, "fast")
    assert one == compress(folder, 2, "fast")
    decompress(one, tmp_path / "a", View(threads=1))
    decompress(one, tmp_path / "b", View(threads=2))
    assert same(folder, tmp_path / "a")
    assert same(folder, tmp_path / "b")


def test_odd_folders_come_back(folder: Path, tmp_path: Path) -> None:
    """A broken frame, a missing depth, a depth of another size, a progressive and a grey frame, other files."""
    odd = tmp_path / "odd"
    odd.mkdir()
    for p in folder.iterdir():
        (odd / p.name).write_bytes(p.read_bytes())
    (odd / "frame-000001.color.jpg").write_bytes((folder / "frame-000001.color.jpg").read_bytes()[:700])
    (odd / "frame-000002.pose.txt").write_text("nan\n")
    Image.fromarray(np.ones((10, 12), np.uint16)).save(odd / "frame-000003.depth.png")
    picture = Image.open(folder / "frame-000003.color.jpg")
    picture.convert("L").save(odd / "frame-000003.color.jpg")
    (odd / "sub").mkdir()
    (odd / "sub" / "x.bin").write_bytes(bytes(range(256)))
    (odd / "empty").write_bytes(b"")
    decompress(compress(odd), tmp_path / "back")
    assert same(odd, tmp_path / "back")


def test_a_folder_of_pictures_without_cameras(folder: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for i in range(3):
        out = io.BytesIO()
        Image.open(folder / f"frame-{i:06d}.color.jpg").save(out, "JPEG", progressive=True, quality=80)
        (plain / f"shot{9 + i}.JPG").write_bytes(out.getvalue())
    decompress(compress(plain), tmp_path / "back")
    assert same(plain, tmp_path / "back")


def test_damage_is_found_and_salvage_keeps_the_rest(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "GROUP", 2)
    data = bytearray(compress(folder, 2, "fast"))
    with Container(bytes(data)) as container:
        chunk = next(c for c in container.chunks if c.type == 7 and c.part == 1)
    data[chunk.offset + 40] ^= 1
    with pytest.raises(BitstreamError):
        decompress(bytes(data), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    view = View(salvage=True)
    decompress(bytes(data), tmp_path / "b", view)
    assert [loss.split(":")[0] for loss in view.losses] == ["frame-000002.color.jpg", "frame-000003.color.jpg"]
    assert (tmp_path / "b" / "frame-000001.color.jpg").read_bytes() == (folder / "frame-000001.color.jpg").read_bytes()
    assert not (tmp_path / "b" / "frame-000002.color.jpg").exists()


def test_refusals(folder: Path, stream: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no files"):
        compress(tmp_path)
    with pytest.raises(FormatError, match="exists already"):
        decompress(stream, tmp_path)


def test_quality(folder: Path, tmp_path: Path) -> None:
    """Colour frames keep their names, sizes and looks; everything else comes back byte for byte."""
    av = pytest.importorskip("av", reason="video needs the extra `video`")
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("this build of av has no SVT-AV1")
    sizes = []
    for quality in (20, 90):
        with ContainerWriter() as writer:
            outcome = codec.compress(folder, writer, "wall", Request("fast", quality=quality))
            data = writer.to_bytes()
        sizes.append(len(data))
        assert outcome.count == 4
        assert outcome.details["psnr"] > 20
        assert 0 < outcome.details["ms_ssim"] < 1
    assert sizes[0] < sizes[1]
    decompress(data, tmp_path / "out")
    for path in folder.iterdir():
        back = tmp_path / "out" / path.name
        if path.suffix == ".jpg":
            with Image.open(path) as a, Image.open(back) as b:
                assert np.abs(np.asarray(a, float) - np.asarray(b, float)).mean() < 6
        else:
            assert filecmp.cmp(path, back, shallow=False)
    with ContainerWriter() as writer, pytest.raises(Geo3DError, match="from 1 to 100"):
        codec.compress(folder, writer, "wall", Request(quality=0))


def test_what_frames_cost(folder: Path, stream: bytes) -> None:
    """Frame for frame the bytes add up to the group's; blocks' bits add up to the frame's; the prediction is near."""
    with Container(stream) as container:
        sizes = frame_bytes(container, 0)
        assert list(sizes) == [f"frame-{i:06d}.color.jpg" for i in range(4)]
        assert sum(sizes.values()) == color_bytes(stream)
        cost = frame_cost(container, 0, "000002")
        with pytest.raises(Geo3DError, match="more than one"):
            frame_cost(container, 0, "frame")
    # Chroma is shown without interpolation: brightness is compared.
    truth = np.asarray(Image.open(folder / cost.name).convert("L")).astype(int)
    actual, predicted = (np.asarray(Image.fromarray(x).convert("L")) for x in (cost.actual, cost.predicted))
    assert np.abs(actual - truth).mean() < 3
    assert np.abs(predicted - truth).mean() < 12
    assert cost.bits.shape == (HEIGHT // 8, WIDTH // 8)
    # The rest are markers, motions and grids.
    assert 0.5 * cost.bytes < cost.bits.sum() / 8 < cost.bytes
    assert cost.bits.min() >= 0


def test_poses_are_found_where_none_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only for folders without a single pose; what the scan finds is used, and where it fails the folder is coded."""
    walk = write_folder(tmp_path / "walk", 4)
    truth = {i: np.loadtxt(walk / f"frame-{i:06d}.pose.txt") for i in range(4)}
    assert all(f.T_world_depth is not None for f in read_folder(walk).frames)
    for path in walk.glob("*.pose.txt"):
        path.unlink()
    monkeypatch.setattr("geo3d.scan.pipeline.find_poses", lambda data, *_: truth)
    assert [f.T_world_depth is not None for f in read_folder(walk).frames] == [True] * 4

    def fail(*_: object) -> None:
        raise FormatError("nothing matches")

    monkeypatch.setattr("geo3d.scan.pipeline.find_poses", fail)
    assert [f.T_world_depth for f in read_folder(walk).frames] == [None] * 4
