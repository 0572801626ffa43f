"""What can stand on a command line as one side of a registration: a file, or FOLDER@FRAME."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io import open_rgbd, read_points
from geo3d.registration.se3 import Transform
from geo3d.types import PointCloud, RGBDFrame, as_transform


def load_side(text: str) -> RGBDFrame | PointCloud:
    """Read a point cloud file, or the frame FRAME (name or number) of the RGB-D folder FOLDER.

    A path that exists wins over the reading as FOLDER@FRAME.
    """
    path = Path(text)
    folder, _, frame = text.rpartition("@")
    if path.is_dir():
        raise FormatError(f"{text} is a folder; name one of its frames, as {text}@0")
    if path.exists() or not folder:
        return read_points(path)
    # A frame's own pose is not needed, so a broken one must not keep the frame out.
    dataset = replace(open_rgbd(folder), pose_errors={})
    index = dataset.index(frame)
    return dataset.load(index)


def load_transform(path: Path) -> Transform:
    """Read a 4x4 transform: JSON (a matrix, or an object with `T_target_source`), .npy or text."""
    import json

    try:
        if path.suffix == ".npy":
            matrix: NDArray[np.float64] = np.load(path, allow_pickle=False)
        else:
            text = path.read_text()
            if text.lstrip().startswith(("{", "[")):
                data = json.loads(text)
                matrix = np.array(data["T_target_source"] if isinstance(data, dict) else data, dtype=np.float64)
            else:
                matrix = np.loadtxt(text.splitlines())
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} holds no 4x4 transform (JSON with T_target_source, .npy or text): {error}") from None
    return as_transform(matrix, str(path))


def load_pairs(path: Path) -> list[tuple[str, str]]:
    """Read a list of pairs, two a line, separated by white space or a tab; `#` starts a comment.

    Relative names are taken from the working directory, or from the list's own folder if they are not there.
    """
    pairs = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].strip()
        if not words:
            continue
        names = [w for w in (words.split("\t") if "\t" in words else words.split()) if w]
        if len(names) != 2:
            raise FormatError(f"{path} line {number}: expected two names, got {len(names)}")
        pairs.append((_located(names[0], path.parent), _located(names[1], path.parent)))
    return pairs


def _located(name: str, folder: Path) -> str:
    def exists(text: str) -> bool:
        return Path(text).exists() or ("@" in text and Path(text.rpartition("@")[0]).is_dir())

    beside = str(folder / name)
    return beside if not exists(name) and exists(beside) else name
