from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.depth.folder import read_source
from PIL import Image

from geo3d.errors import FormatError


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8), value, np.uint16)).save(path)


def test_a_plain_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for k in (2, 0, 1):
        picture(tmp_path / f"{k}.png", 100 + k)
    source = read_source(tmp_path)
    assert source.names == ["0.png", "1.png", "2.png"]
    assert [int(source.frames[k][0, 0]) for k in range(3)] == [100, 101, 102]
    assert source.motions is None


def test_an_rgbd_folder_gives_cameras_and_motions(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"frame-{k:06d}.depth.png", 500)
        Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / f"frame-{k:06d}.color.png")
        T = np.eye(4)
        T[0, 3] = 0.1 * k
        if k < 2:
            np.savetxt(tmp_path / f"frame-{k:06d}.pose.txt", T)
    np.savetxt(tmp_path / "intrinsics.txt", [[10, 0, 4], [0, 10, 3], [0, 0, 1]])
    source = read_source(tmp_path)
    assert source.names == [f"frame-{k:06d}.depth.png" for k in range(3)]
    assert source.camera is not None
    assert source.motions is not None
    assert source.motions[0] is None
    assert source.motions[2] is None
    motion = source.motions[1]
    assert motion is not None
    # The camera went 0.1 m to the right, so that points go to the left.
    assert motion[0, 3] == -100 * 65536


def test_arrays_and_what_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), np.uint16))
    assert len(read_source(tmp_path / "a.npy").frames) == 2
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 4), np.int32))
    (tmp_path / "c.exr").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name in ("b.npy", "c.exr", "empty"):
        with pytest.raises(FormatError):
            read_source(tmp_path / name)
