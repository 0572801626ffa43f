"""Images and volumes on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.codecs import CODECS, Request, codec_for
from geo3d_compression.container import ContainerWriter
from geo3d_viewer.commands.flat import flat_picture
from geo3d_viewer.load import load_scene
from geo3d_viewer.scene import MeshLayer
from PIL import Image


def packed(source: Path, target: Path) -> None:
    kind = codec_for(source)
    with ContainerWriter() as writer:
        CODECS[kind].compress(source, writer, source.name, Request(lossless=True, threads=1))
        target.write_bytes(writer.to_bytes())


def test_images_volumes_and_what_is_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, v, cloud = (tmp_path / n for n in ("a.png", "b.jpg", "v.npy", "c.npy"))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(a)
    Image.fromarray(pixels).save(b, quality=30)
    z, y, x = np.mgrid[-1:1:12j, -1:1:16j, -1:1:16j]
    np.save(v, (1000 * (x**2 + y**2 + z**2 < 0.6)).astype(np.int16))
    np.save(cloud, np.random.default_rng(0).normal(size=(50, 3)))
    assert flat_picture([str(a), str(b)], tmp_path / "s.png", (640, 480), True)
    assert '"b.jpg":' in capsys.readouterr().out
    assert flat_picture([str(v)], tmp_path / "t.png", (640, 480), True)
    assert (tmp_path / "t.png").stat().st_size > 3000
    assert not flat_picture([str(cloud)], tmp_path / "u.png", (640, 480), True)
    assert not flat_picture([str(v), str(cloud)], tmp_path / "u.png", (640, 480), True)
    for source, name in ((a, "a.g3c"), (v, "v.g3c")):
        packed(source, tmp_path / name)
    assert flat_picture([str(a), str(tmp_path / "a.g3c")], tmp_path / "w.png", (640, 480), True)
    assert '"a.g3c": null' in capsys.readouterr().out  # no error at all: infinitely many decibels
    assert flat_picture([str(tmp_path / "v.g3c")], tmp_path / "x.png", (640, 480), True)
    with Image.open(tmp_path / "t.png") as one, Image.open(tmp_path / "x.png") as other:
        assert np.array_equal(np.asarray(one)[40:240], np.asarray(other)[40:240])
    assert not flat_picture([str(a)], None, (640, 480), True)
    scene = load_scene([v, cloud])
    assert isinstance(scene["v/surface"], MeshLayer)
    assert scene.names == ("v/surface", "v/slice x 8", "v/slice y 8", "v/slice z 6", "c")
