"""The benchmark's arithmetic on rows whose answer can be counted by hand; resuming; 3DMatch's layout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from geo3d.bench import register_pairs
from geo3d.bench import suite as suites
from geo3d.bench.fragments_3dmatch import fragment_pairs, read_log
from geo3d.bench.register import SUITE, measure, summary
from geo3d.bench.register_fragments import summary as fragments_summary
from geo3d.bench.register_pairs import Case, _turned
from geo3d.bench.suite import Row, run_suite
from geo3d.errors import FormatError, Geo3DError, RegistrationError
from geo3d.io import write_points
from geo3d.ops import depth_to_cloud
from geo3d.registration.se3 import exp_se3
from geo3d.registration.training.pairs import FramePair
from geo3d.types import PinholeCamera, PointCloud, RGBDFrame


def row(overlap: float, degrees: float, metres: float, accepted: bool) -> dict:
    return {
        "set": "s",
        "method": "m",
        "overlap": overlap,
        "degrees": degrees,
        "metres": metres,
        "accepted": accepted,
        "cpu_s": 1.0,
    }


def test_recall_counts_accepted_answers_and_gross_errors_count_all_pairs() -> None:
    rows = [
        row(0.2, 1, 0.02, True),
        row(0.2, 1, 0.02, False),
        row(0.2, 7, 0.02, True),
        row(0.4, 90, 2.0, True),
        row(0.0, 0.1, 0.0, True),
        {"set": "s", "method": "m", "overlap": 0.7, "error": "no depth"},
    ]
    (result,) = summary(rows)
    assert result["strict_low"] == pytest.approx(100 / 3)
    assert result["loose_low"] == pytest.approx(200 / 3)
    assert result["strict_mid"] == 0
    assert result["strict_high"] == 0
    assert result["gross_%"] == pytest.approx(100 * 2 / 6)
    assert (result["none"], result["low"], result["mid"], result["high"]) == (1, 3, 1, 1)


@pytest.fixture
def case() -> Case:
    frame = RGBDFrame(np.full((20, 20), 1000, np.uint16), PinholeCamera(20, 20, 20.0, 20.0, 9.5, 9.5))
    return Case("s 0", "s", frame, frame, exp_se3(np.array([0, 0, 0.5, 1, 2, 3])), 0.5)


def test_errors_are_measured_against_the_truth(case: Case) -> None:
    def fails(case: Case) -> tuple[np.ndarray, bool]:
        raise RegistrationError("nothing here")

    def shifted(case: Case) -> tuple[np.ndarray, bool]:
        return case.T_target_source @ exp_se3(np.array([0, np.deg2rad(3), 0, 0.3, 0.4, 0])), True

    rows = list(measure([case], {"shifted": shifted, "fails": fails}, {}))
    assert rows[0]["degrees"] == pytest.approx(3)
    assert rows[0]["metres"] == pytest.approx(0.5)
    assert rows[1]["error"] == "nothing here"
    kept = {rows[0]["key"]: rows[0] | {"degrees": 77.0}}
    again = list(measure([case], {"shifted": shifted}, kept))
    assert again[0]["degrees"] == 77.0


def test_a_turned_pair_keeps_its_truth(case: Case) -> None:
    turned = _turned(case)
    plain = case.clouds.source.center, turned.clouds.source.center
    moved = turned.T_target_source[:3, :3] @ plain[1] + turned.T_target_source[:3, 3]
    expected = case.T_target_source[:3, :3] @ plain[0] + case.T_target_source[:3, 3]
    assert np.allclose(moved, expected, atol=0.02)
    assert np.linalg.norm(turned.T_target_source - case.T_target_source) > 0.5
    # A turn about the camera leaves the camera where it is, however far the coordinates' origin.
    about = np.eye(4)
    about[:3, :3] = exp_se3(np.array([0, 0.1, 0, 0, 0, 0]))[:3, :3]
    about[:3, 3] = turned.origin - about[:3, :3] @ turned.origin
    (answer,) = measure([turned], {"turn": lambda c: (c.T_target_source @ about, True)}, {})
    assert answer["degrees"] == pytest.approx(np.rad2deg(0.1))
    assert answer["metres"] == pytest.approx(0, abs=1e-9)


def test_unseen_sensors_come_as_frames_and_clouds_with_and_without_colour(
    room_frames: list[RGBDFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = room_frames
    truth = np.linalg.inv(b.T_world_camera) @ a.T_world_camera
    pair = FramePair(a, b, truth, 0.5)
    monkeypatch.setattr(register_pairs, "synthetic_pairs", lambda *args, **options: iter([pair]))
    frames, plain, clouds, bare = register_pairs.unseen_sensors(None)
    assert len({c.where for c in (frames, plain, clouds, bare)}) == 4
    assert (frames.source.color is None, plain.source.color is None, plain.target.color is None) == (False, True, True)
    assert np.array_equal(plain.source.depth, a.depth)
    assert clouds.source.colors is not None
    assert bare.source.colors is None
    # The peers would do the same again without colour.
    peers = {"geo3d": lambda c: (np.eye(4), False), "peer": lambda c: (np.eye(4), True)}
    rows = list(measure((frames, plain, clouds, bare), peers, {}))
    assert [r["set"] for r in rows if r["method"] == "peer"] == ["unseen sensors", "unseen sensors, turned clouds"]
    assert sum(r["method"] == "geo3d" for r in rows) == 4
    # Moved clouds lie where the frames' own would, at the truth of either.
    for case in (clouds, bare):
        moved = case.source.transformed(case.T_target_source).points
        expected = depth_to_cloud(a, stride=2).transformed(truth).points
        assert np.allclose(moved, expected, atol=1e-4)


def test_what_was_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def resumed(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
        for key in "abc":
            if key not in kept:
                measured.append(key)
            yield kept.get(key, {"key": key, "value": 1})

    fake = SUITE | {"resumed": resumed, "rows": lambda data: iter(()), "summary": lambda rows: []}
    monkeypatch.setattr(suites, "find_suites", lambda: {"fake": fake, "other": SUITE | {"resumed": None}})
    kept = tmp_path / "rows.jsonl"
    kept.write_text('{"key": "b", "value": 5}\n{"key": "c", "val')
    _, rows, _ = run_suite("fake", None, kept)
    assert measured == ["a", "c"]
    assert [r["value"] for r in rows] == [1, 5, 1]
    _, rows, _ = run_suite("fake", None, kept)
    assert measured == ["a", "c"]
    assert [r["value"] for r in rows] == [1, 5, 1]


def test_unknown_protocols_are_named(tmp_path: Path) -> None:
    with pytest.raises(Geo3DError, match=r"knows no data of the kind '4dmatch' \(known: 3dmatch, unseen"):
        run_suite("register", Path(f"4dmatch:{tmp_path}"))
    with pytest.raises(Geo3DError, match="is not a folder"):
        run_suite("register", tmp_path / "none")


def test_3dmatch_scenes_are_read_and_judged(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    base = rng.uniform(0, 1, (500, 3))
    truth = exp_se3(np.array([0.1, 0, 0.3, 1, 0, 0]))
    scene = tmp_path / "kitchen"
    scene.mkdir()
    (tmp_path / "kitchen-evaluation").mkdir()
    write_points(scene / "cloud_bin_0.ply", PointCloud(base).transformed(truth))
    write_points(scene / "cloud_bin_2.ply", PointCloud(base))
    blocks = "0\t2\t37\n" + "\n".join("\t".join(map(str, r)) for r in truth) + "\n"
    (tmp_path / "kitchen-evaluation" / "gt.log").write_text(blocks)
    information = np.diag([500.0, 500, 500, 500, 500, 500])
    (pair,) = fragment_pairs(tmp_path)
    assert not pair.consecutive
    off = exp_se3(np.array([0, 0, 0, 0.3, 0, 0]))
    assert pair.rmse(pair.T_target_source) < 1e-6
    assert pair.rmse(off @ pair.T_target_source) == pytest.approx(0.3, rel=0.01)
    text = "0\t2\t37\n" + "\n".join("\t".join(map(str, r)) for r in information) + "\n"
    (tmp_path / "kitchen-evaluation" / "gt.info").write_text(text)
    (pair,) = fragment_pairs(tmp_path)
    assert pair.rmse(pair.T_target_source @ off) == pytest.approx(0.3, rel=0.01)
    (tmp_path / "bad.log").write_text("0 1 2 3")
    with pytest.raises(FormatError, match="blocks of three numbers"):
        read_log(tmp_path / "bad.log", 4)
    with pytest.raises(FormatError, match="holds no scene"):
        list(fragment_pairs(tmp_path / "kitchen-evaluation"))


def test_recall_of_fragments_is_a_mean_over_scenes_without_neighbours() -> None:
    def row(scene: str, recalled: bool, consecutive: bool = False, accepted: bool = True) -> Row:
        errors = {"degrees": 1.0, "metres": 0.1, "cpu_s": 1.0}
        return {"set": scene, "method": "m", "recalled": recalled, "accepted": accepted, "consecutive": consecutive} | (
            errors
        )

    rows = [row("a", True), row("a", False), row("b", True, accepted=False), row("b", False, consecutive=True)]
    (result,) = fragments_summary(rows)
    assert result["recall_%"] == pytest.approx(75)
    assert result["accepted_recall_%"] == pytest.approx(25)
    assert result["gross_%"] == pytest.approx(100 / 3)
    assert json.dumps(result)
