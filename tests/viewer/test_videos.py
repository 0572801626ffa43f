"""Films beside their decoded versions: every frame is measured, and what is drawn is the middle one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.commands.flat import flat_picture
from geo3d_viewer.images import psnr
from geo3d_viewer.videos import compare_videos, comparison_frames, is_video, middle_frame, opened_video
from PIL import Image

from geo3d.errors import FormatError, ShapeError

av = pytest.importorskip("av", reason="films need geo3d-suite[video]")


def frames(count: int = 5, error: int = 0) -> list[np.ndarray]:
    y, x = np.mgrid[0:96, 0:160]
    made = []
    for t in range(count):
        image = np.stack([x + 5 * t, y, 0 * x + 40 * t], axis=2).astype(np.uint8)
        image[: 10 * t, :, 1] += error
        made.append(image)
    return made


def folder(path: Path, pictures: list[np.ndarray]) -> Path:
    path.mkdir()
    for t, image in enumerate(pictures):
        Image.fromarray(image).save(path / f"{t:04d}.png")
    return path


def film(path: Path, pictures: list[np.ndarray]) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "bgr0"
        for image in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    return path


def test_films_and_folders_give_their_frames(tmp_path: Path) -> None:
    for path in (film(tmp_path / "a.mkv", frames()), folder(tmp_path / "a", frames())):
        assert is_video(path)
        with opened_video(path) as read:
            for _ in range(2):
                assert all(np.array_equal(a, b) for a, b in zip(read(), frames(), strict=True))
    folder(tmp_path / "rgbd", frames(2))
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "rgbd" / "0001.depth.png")
    assert not is_video(tmp_path / "rgbd")
    assert not is_video(tmp_path / "none")


def test_every_frame_is_measured(tmp_path: Path) -> None:
    a, b = film(tmp_path / "a.mkv", frames()), film(tmp_path / "b.mkv", frames(error=30))
    found = compare_videos(a, b)
    wanted = [psnr(x, y) for x, y in zip(frames(), frames(error=30), strict=True)]
    assert found.psnr_db.tolist() == pytest.approx(wanted)
    assert found.total_db == pytest.approx(psnr(np.stack(frames()), np.stack(frames(error=30))))
    assert found.psnr_db[0] == float("inf")
    assert found.bpp == pytest.approx(8 * b.stat().st_size / (5 * 96 * 160))
    assert found.high == 30
    picture = middle_frame(a, [b], [found])
    assert np.array_equal(picture[-96:, :160], frames()[2])
    assert np.array_equal(picture[-96:, 168:328], frames(error=30)[2])
    error = picture[-96:, 336:].astype(int).sum(axis=2)
    assert error[:20, 100:].min() > error[24:, 100:].max()
    assert len(list(comparison_frames(a, [b], [found]))) == 5


def test_the_command_writes_a_picture_or_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = folder(tmp_path / "a", frames()), film(tmp_path / "b.mkv", frames(error=30))
    assert flat_picture([str(a), str(b)], tmp_path / "s.png", (640, 480), True)
    assert '"psnr_db": 30.17' in capsys.readouterr().out
    assert flat_picture([str(a), str(b)], tmp_path / "s.mp4", (640, 480), True)
    with opened_video(tmp_path / "s.mp4") as read:
        written = list(read())
    with Image.open(tmp_path / "s.png") as image:
        still = np.asarray(image)
    assert len(written) == 5
    assert psnr(written[2], still[: written[2].shape[0], : written[2].shape[1]]) > 30
    # Without a file to write, the films are left to the window.
    assert not flat_picture([str(a), str(b)], None, (640, 480), True)


def test_films_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", frames())
    with pytest.raises(ShapeError, match="ends after 3"):
        compare_videos(a, folder(tmp_path / "short", frames(3)))
    with pytest.raises(ShapeError, match="more frames"):
        compare_videos(a, folder(tmp_path / "long", frames(6)))
    with pytest.raises(ShapeError, match="different size"):
        compare_videos(a, folder(tmp_path / "small", [f[:50] for f in frames()]))
    (tmp_path / "no.mkv").write_bytes(b"no film at all")
    for name in ("no.mkv", "missing.mkv"):
        with pytest.raises(FormatError, match=name):
            compare_videos(a, tmp_path / name)
