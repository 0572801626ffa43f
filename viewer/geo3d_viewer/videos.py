"""Films beside their decoded versions: one frame as a picture, or all of them as a film."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import atomic_path
from geo3d.optional import require
from geo3d_viewer.images import image_comparison, psnr, read_image
from geo3d_viewer.packed import kinds, unpacked

_SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".y4m")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_RATE = 25

Frame = NDArray[np.uint8]


def is_video(path: Path) -> bool:
    """True for names of films, folders of nothing but pictures, and `.g3c` files with nothing but a film in them."""
    if path.is_dir():
        files = [p for p in path.iterdir() if not p.name.startswith(".")]
        return len(files) > 1 and all(p.suffix.lower() in _PICTURES and "depth" not in p.name for p in files)
    return path.suffix.lower() in _SUFFIXES or kinds(path) == ("video",)


@contextlib.contextmanager
def opened_video(path: Path) -> Iterator[Callable[[], Iterator[Frame]]]:
    """A function that gives the frames, uint8 [H, W, 3] RGB each, from the first to the last, as often as wanted."""
    if path.suffix.lower() == ".g3c" and path.is_file():
        with unpacked(path, "video") as target:
            yield lambda: _frames(target)
        return
    yield lambda: _frames(path)


def _frames(path: Path) -> Iterator[Frame]:
    if path.is_dir():
        yield from (read_image(p) for p in sorted(path.iterdir()) if p.suffix.lower() in _PICTURES)
        return
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    av = require("av", "video", "video files")
    try:
        with av.open(str(path)) as film:
            if not film.streams.video:
                raise FormatError(f"{path} holds no film")
            for frame in film.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, ValueError) as error:
        raise FormatError(f"{path} is no film that can be read: {error}") from error


@dataclass(frozen=True, eq=False)
class VideoQuality:
    """How a decoded film differs from its original.

    psnr_db  [N] of each frame, over all RGB samples; inf where it is equal
    bpp      bits per pixel of the file; None if it is no file
    high     the error that only a thousandth of the samples of the worst frame exceeds
    """

    psnr_db: NDArray[np.float64]
    bpp: float | None
    high: float

    @property
    def total_db(self) -> float:
        """PSNR over the samples of all frames."""
        mean = float((10 ** (-self.psnr_db / 10)).mean())
        return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def compare_videos(original: Path, decoded: Path) -> VideoQuality:
    """Measure all frames; `ShapeError` if the films differ in size or length."""
    values, high, pixels = [], 0.0, 1
    with opened_video(original) as first, opened_video(decoded) as second:
        frames = _pairs(first(), second(), decoded)
        for a, b in frames:
            values.append(psnr(a, b))
            high = max(high, float(np.percentile(np.abs(a.astype(np.int16) - b).max(axis=2), 99.9)))
            pixels = a.shape[0] * a.shape[1]
    if not values:
        raise FormatError(f"{original} holds no frame")
    bpp = 8 * decoded.stat().st_size / (pixels * len(values)) if decoded.is_file() else None
    return VideoQuality(np.array(values), bpp, high or 1.0)


def _pairs(a: Iterator[Frame], b: Iterator[Frame], name: Path) -> Iterator[tuple[Frame, Frame]]:
    number = 0
    for one in a:
        other = next(b, None)
        if other is None:
            raise ShapeError(f"{name} ends after {number} frames, the original goes on")
        yield one, other
        number += 1
    if next(b, None) is not None:
        raise ShapeError(f"{name} has more frames than the original ({number})")


def comparison_frames(original: Path, decoded: Sequence[Path], found: Sequence[VideoQuality]) -> Iterator[Frame]:
    """Every frame as a picture: the original, each decoded version and its error, all errors in one scale."""
    high = max(q.high for q in found)
    with contextlib.ExitStack() as stack:
        films = [stack.enter_context(opened_video(p))() for p in (original, *decoded)]
        # Titles of one length keep the panels of a film where they are.
        titles = [_title(p.name, q) for p, q in zip(decoded, found, strict=True)]
        for first, *others in zip(*films, strict=True):
            rows = [(title, image, None) for title, image in zip(titles, others, strict=True)]
            yield image_comparison(first, rows, high=high, say_psnr=False)


def _title(name: str, quality: VideoQuality) -> str:
    rate = "" if quality.bpp is None else f", {quality.bpp:.3f} bpp"
    return f"{name}{rate}, {quality.total_db:.2f} dB"


def middle_frame(original: Path, decoded: Sequence[Path], found: Sequence[VideoQuality]) -> Frame:
    """The comparison at the frame in the middle of the film."""
    middle = len(found[0].psnr_db) // 2
    for number, picture in enumerate(comparison_frames(original, decoded, found)):
        if number == middle:
            return picture
    raise FormatError(f"{original} holds no frame")


def write_comparison(path: Path, frames: Iterator[Frame]) -> int:
    """Write the comparison as an `.mp4`; return the number of frames.  Needs the extra `video`."""
    av = require("av", "video", "a film of a comparison")
    count = 0
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(_RATE), options={"crf": "18", "preset": "medium"})
        for picture in frames:
            even = np.ascontiguousarray(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])
            if not count:
                stream.height, stream.width = even.shape[:2]
                stream.pix_fmt = "yuv420p"
            film.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            count += 1
        film.mux(stream.encode())
    return count
