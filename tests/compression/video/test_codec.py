"""Video through a container: exact frames with their times and sound, AV1 by quality, other files as they are."""

from __future__ import annotations

import filecmp
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from compression_clips import about, moving
from geo3d_compression.codecs import CODECS, codec_for
from geo3d_compression.codecs.codec import Request, View
from geo3d_compression.container import Container, ContainerWriter
from geo3d_compression.video import clip as clips

from geo3d.errors import BitstreamError, FormatError, Geo3DError

av = pytest.importorskip("av", reason="video files need the extra `video`")
CODEC = CODECS["video"]
TIMES = (0, 40, 80, 130)


def write(path: Path, format: str = "yuv420p", sound: bool = False) -> Path:
    clips.write_clip(path, about(format), TIMES, iter(moving(format)))
    if sound:
        silent = path.with_suffix(".silent.mkv")
        path.rename(silent)
        with av.open(str(silent)) as source, av.open(str(path), "w") as out:
            video = out.add_stream_from_template(source.streams.video[0], opaque=True)
            audio = out.add_stream("flac", rate=8000, layout="mono")
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = video
                    out.mux(packet)
            tone = (np.arange(800) % 50 * 100).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def through(source: Path, target: Path, request: Request, view: View | None = None) -> bytes:
    with ContainerWriter() as writer:
        CODEC.compress(source, writer, source.name, request)
        data = writer.to_bytes()
    with Container(data) as container:
        CODEC.decompress(container, 0, target, view or View())
    return data


def frames(path: Path) -> list[tuple[Fraction, list[np.ndarray]]]:
    with clips.open_clip(path) as container:
        format = clips.about(container).format
        return [(f.pts * f.time_base, clips.planes_of(f, format)) for f in clips.frames_of(container, path)]


def test_exact_frames_come_back_with_times_and_sound(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mkv", sound=True)
    through(source, tmp_path / "b.mkv", Request("fast", group=2))
    one, two = frames(source), frames(tmp_path / "b.mkv")
    assert [t for t, _ in one] == [t for t, _ in two] == [Fraction(t, 1000) for t in TIMES]
    assert all(np.array_equal(x, y) for (_, a), (_, b) in zip(one, two, strict=True) for x, y in zip(a, b, strict=True))
    with av.open(str(source)) as a, av.open(str(tmp_path / "b.mkv")) as b:
        sounds = [np.concatenate([f.to_ndarray() for f in c.decode(audio=0)], axis=1) for c in (a, b)]
    assert np.array_equal(*sounds)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_formats(tmp_path: Path, threads: int) -> None:
    source = write(tmp_path / "a.avi", "gbrp")
    data = through(source, tmp_path / "b.mkv", Request("fast", group=2, threads=threads), View(threads=threads))
    assert data == through(source, tmp_path / "c.mkv", Request("fast", group=2, threads=3 - threads))
    assert all(
        np.array_equal(x, y)
        for (_, a), (_, b) in zip(frames(source), frames(tmp_path / "b.mkv"), strict=True)
        for x, y in zip(a, b, strict=True)
    )


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="this build of av has no SVT-AV1")
def test_quality(tmp_path: Path) -> None:
    planes = [[np.pad(p, ((26, 27), (12, 12)), mode="wrap") for p in f] for f in moving("gray", 4, 66, 80)]
    clips.write_clip(tmp_path / "a.mkv", about("gray", 119, 104), TIMES, iter(planes))
    sizes = []
    for quality in (10, 90):
        with ContainerWriter() as writer:
            outcome = CODEC.compress(tmp_path / "a.mkv", writer, "a.mkv", Request("fast", quality=quality))
            data = writer.to_bytes()
        sizes.append(len(data))
        assert outcome.details["psnr_y"] > 10
        assert 0 < outcome.details["ms_ssim"] <= 1
    assert sizes[0] < sizes[1]
    with Container(data) as container:
        for name in ("b.mp4", "b.mkv", "b.y4m"):
            CODEC.decompress(container, 0, tmp_path / name, View())
            assert len(frames(tmp_path / name)) == 4
        assert [t for t, _ in frames(tmp_path / "b.mkv")] == [Fraction(t, 1000) for t in TIMES]
        with pytest.raises(FormatError, match="written as"):
            CODEC.decompress(container, 0, tmp_path / "b.xyz", View())


def test_a_file_of_a_lossy_codec_is_kept(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 52, 38, "yuv420p"
        for planes in moving():
            out.mux(stream.encode(clips.frame_from(planes, about())))
        out.mux(stream.encode(None))
    through(tmp_path / "a.mp4", tmp_path / "b.mp4", Request())
    assert filecmp.cmp(tmp_path / "a.mp4", tmp_path / "b.mp4", shallow=False)


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    assert codec_for(tmp_path / "a.mp4") == "video"
    with ContainerWriter() as writer, pytest.raises(FormatError, match="is no video file"):
        CODEC.compress(tmp_path / "a.mp4", writer, "a", Request())
    source = write(tmp_path / "b.mkv")
    with ContainerWriter() as writer, pytest.raises(Geo3DError, match="contradict"):
        CODEC.compress(source, writer, "a", Request(quality=5, lossless=True))
    with ContainerWriter() as writer, pytest.raises(Geo3DError, match="from 1 to 100"):
        CODEC.compress(source, writer, "a", Request(quality=0))
    data = bytearray(through(source, tmp_path / "c.mkv", Request("fast")))
    with Container(bytes(data)) as container:
        chunk = next(c for c in container.chunks if c.type == 7)
    data[chunk.offset + 9] ^= 4
    with Container(bytes(data)) as container, pytest.raises(BitstreamError):
        CODEC.decompress(container, 0, tmp_path / "d.mkv", View())
    assert not (tmp_path / "d.mkv").exists()
