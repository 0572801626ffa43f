from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import FormatError, Geo3DError
from geo3d.registration.inputs import load_pairs, load_side, load_transform
from geo3d.types import PointCloud, RGBDFrame


def test_a_frame_by_number_and_by_name(samples: Path) -> None:
    by_number = load_side(f"{samples}/box_desk@1")
    assert isinstance(by_number, RGBDFrame)
    by_name = load_side(f"{samples}/box_desk@{by_number.name}")
    assert isinstance(by_name, RGBDFrame)
    assert np.array_equal(by_number.depth, by_name.depth)


def test_a_cloud_whose_name_holds_an_at_sign(tmp_path: Path) -> None:
    np.save(tmp_path / "a@b.npy", np.zeros((5, 3)))
    assert isinstance(load_side(str(tmp_path / "a@b.npy")), PointCloud)


def test_a_folder_alone_says_what_to_do(samples: Path) -> None:
    with pytest.raises(FormatError, match="box_desk@0"):
        load_side(str(samples / "box_desk"))


def test_transforms_in_every_spelling(tmp_path: Path, random_pose: np.ndarray) -> None:
    np.save(tmp_path / "T.npy", random_pose)
    np.savetxt(tmp_path / "T.txt", random_pose)
    (tmp_path / "T.json").write_text(json.dumps({"T_target_source": random_pose.tolist()}))
    (tmp_path / "M.json").write_text(json.dumps(random_pose.tolist()))
    for name in ("T.npy", "T.txt", "T.json", "M.json"):
        assert np.allclose(load_transform(tmp_path / name), random_pose)


@pytest.mark.parametrize(
    "text", ["hello", "{}", "[[1, 2], [3, 4]]", '{"T_target_source": [[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}']
)
def test_what_is_no_transform_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "T.json").write_text(text)
    with pytest.raises(Geo3DError):
        load_transform(tmp_path / "T.json")


def test_pair_lists(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 3)))
    (tmp_path / "list.txt").write_text("# two a line\na.npy a.npy\n\nmissing.ply\tother one.ply  # comment\n")
    pairs = load_pairs(tmp_path / "list.txt")
    assert pairs[0] == (str(tmp_path / "a.npy"),) * 2
    assert pairs[1][0] == "missing.ply"
    (tmp_path / "bad.txt").write_text("only-one.ply\n")
    with pytest.raises(FormatError, match="line 1: expected two names, got 1"):
        load_pairs(tmp_path / "bad.txt")
