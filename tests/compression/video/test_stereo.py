"""Two views of one camera pair: pictures and clips, exactly and with loss; the right view costs less than alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.image.stored import encode_bytes_any
from geo3d_compression.video import clip as clips
from geo3d_compression.video import stereo
from geo3d_compression.video.disparity import search_disparity
from PIL import Image

from geo3d.errors import FormatError, Geo3DError

HEIGHT, WIDTH = 48, 96


def views(frame: int = 0) -> list[np.ndarray]:
    """[H, W, 3] left and right: noise that nothing but the other view tells; the upper half is nearer."""
    big = np.random.default_rng(3).integers(0, 200, (HEIGHT, WIDTH + 80, 3)).astype(np.uint8)
    left = big[:, 40 + 2 * frame : 40 + 2 * frame + WIDTH]
    right = left.copy()
    right[: HEIGHT // 2] = big[: HEIGHT // 2, 61 + 2 * frame : 61 + 2 * frame + WIDTH]
    right[HEIGHT // 2 :] = big[HEIGHT // 2 :, 45 + 2 * frame : 45 + 2 * frame + WIDTH]
    return [left, right]


def run(left: Path, right: Path, target: Path, request: Request) -> dict[str, Any]:
    with ContainerWriter() as writer:
        outcome = stereo.compress_pair(left, right, writer, "stereo", request)
        data = writer.to_bytes()
    with Container(data) as container:
        stereo.decompress(container, 0, target, View(threads=1))
        assert stereo.describe(container, 0)["frames"] == outcome.count
    return {**outcome.details, "bytes": len(data)}


def save(folder: Path, suffix: str, **options: Any) -> list[Path]:
    paths = [folder / f"{side}.{suffix}" for side in ("left", "right")]
    for path, view in zip(paths, views(), strict=True):
        Image.fromarray(view).save(path, **options)
    return paths


def test_disparities_are_found() -> None:
    left, right = (v[:, :, 1].astype(np.float64) for v in views())
    found = search_disparity(right, left)
    assert (found[0, :4] == (0, 21)).all()
    assert (found[2, :5] == (0, 5)).all()


@pytest.mark.parametrize(("suffix", "way"), [("png", "png"), ("jpg", "jpeg"), ("ppm", "files")])
def test_pictures_come_back(tmp_path: Path, suffix: str, way: str) -> None:
    paths = save(tmp_path, suffix)
    result = run(*paths, tmp_path / "out", Request("fast"))
    for path in paths:
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    if suffix == "png":
        alone = sum(len(encode_bytes_any(p.read_bytes(), "fast")) for p in paths)
        assert result["bytes"] < 0.9 * alone
        assert result["method"] == way


def write_clips(folder: Path, format: str = "yuv420p", frames: int = 3) -> list[Path]:
    about = clips.ClipAbout(WIDTH, HEIGHT, format, (1, 1000), (25, 1), 1, 1)
    paths = []
    for side, name in enumerate(("left", "right")):
        planes = [
            [np.ascontiguousarray(views(t)[side][: h, : w, k]) for k in range(clips.plane_count(format))
             for h, w in (clips.plane_shape(format, k, HEIGHT, WIDTH),)]
            for t in range(frames)
        ]  # fmt: skip
        paths.append(folder / f"{name}.mkv")
        clips.write_clip(paths[-1], about, [40 * t for t in range(frames)], iter(planes))
    return paths


def read_planes(path: Path) -> list[list[np.ndarray]]:
    with clips.open_clip(path) as source:
        format = clips.about(source).format
        return [clips.planes_of(f, format) for f in clips.frames_of(source, path)]


def test_clips_come_back(tmp_path: Path) -> None:
    pytest.importorskip("av")
    paths = write_clips(tmp_path, "gray")
    result = run(*paths, tmp_path / "out", Request("fast", group=2))
    assert (result["method"], result["exact"]) == ("exact", True)
    for path in paths:
        for a, b in zip(read_planes(path), read_planes(tmp_path / "out" / path.name), strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_with_loss(tmp_path: Path) -> None:
    pytest.importorskip("av")
    result = run(*write_clips(tmp_path), tmp_path / "clips", Request("fast", quality=60))
    assert result["method"] == "av1"
    assert result["psnr_y"] > 20
    assert len(read_planes(tmp_path / "clips" / "left.mkv")) == 3
    paths = save(tmp_path, "png")
    assert run(*paths, tmp_path / "out", Request("fast", quality=60))["psnr"] > 12
    with Image.open(tmp_path / "out" / "right.png") as picture:
        assert picture.size == (WIDTH, HEIGHT)


def test_what_is_no_pair(tmp_path: Path) -> None:
    left, right = save(tmp_path, "png")
    Image.new("RGB", (20, 20)).save(right)
    with pytest.raises(FormatError, match="two sizes"):
        run(left, right, tmp_path / "out", Request("fast", quality=50))
    with pytest.raises(FormatError, match="does not exist"):
        run(left, tmp_path / "none.png", tmp_path / "out", Request("fast"))
    with pytest.raises(Geo3DError, match="--stereo"):
        stereo.compress(left, None, "a", Request())  # type: ignore[arg-type]
