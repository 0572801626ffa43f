"""The verdict's training: resumes after a stop, and counts what would be accepted as registration does."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import Geo3DError
from geo3d.registration.frames.evidence import FULL, QUICK
from geo3d.registration.frames.verifier import Logistic, logistic_of
from geo3d.registration.se3 import exp_se3
from geo3d.registration.training import task
from geo3d.registration.training.accepted import Verdict, by_threshold, verdicts
from geo3d.registration.training.gather import Evidence


def made(seed: int, pairs: int = 12) -> Evidence:
    """Pairs with one right and one wrong pose each, told apart by two numbers."""
    rng = np.random.default_rng(seed)
    label = np.tile([1, 0], pairs)
    full, quick = rng.normal(size=(2 * pairs, len(FULL))), rng.normal(size=(2 * pairs, len(QUICK)))
    full[:, FULL.index("basin")] += 4 * label
    quick[:, QUICK.index("consistent")] += 4 * label
    poses = np.stack([exp_se3(np.array([0, 0, 0, 2.0 * (1 - y), 0, 0])) for y in label])
    overlap = np.linspace(0.15, 0.85, pairs)
    return Evidence(quick, label, full, label, np.repeat(np.arange(pairs), 2), poses, overlap, np.full(pairs, 2.0))


def test_a_stopped_training_goes_on_with_the_missing_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    stopped = True

    def gather(pairs: Iterable[str], quick: Logistic, seed: int) -> Evidence:
        (name,) = pairs
        if name == "b" and stopped:
            raise KeyboardInterrupt
        asked.append(name)
        return made(ord(name))

    monkeypatch.setattr(task, "gather", gather)
    monkeypatch.setattr(task, "sources_of", lambda config: {name: [name] for name in "abc"})
    with pytest.raises(KeyboardInterrupt):
        task.train_verifier({"threshold": 0.7}, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    stopped = False
    task.train_verifier({"threshold": 0.7}, tmp_path)
    assert asked == ["a", "b", "c"]
    weights = json.loads((tmp_path / "verifier.json").read_text())
    assert weights["threshold"] == 0.7
    full = logistic_of(weights["full"], FULL)
    other = made(99)
    assert ((full.logit(other.full) > 0) == (other.full_label == 1)).mean() > 0.9
    report = json.loads((tmp_path / "report.json").read_text())
    assert min(r["auc"] for r in report["held_out"].values()) > 0.9
    assert {row["pairs"] for row in report["accepted"]} == {36}
    with pytest.raises(Geo3DError, match="threshhold"):
        task.train_verifier({"threshhold": 0.7}, tmp_path)


def test_what_is_accepted_is_the_best_pose_beside_its_rivals() -> None:
    weights = np.zeros(len(FULL))
    weights[0] = 1.0
    identity = Logistic(FULL, np.zeros(len(FULL)), np.ones(len(FULL)), weights, 0.0)
    found = made(1, 2)
    found.full[:, 0] = [3.0, 1.0, -1.0, 2.0]
    right, wrong = verdicts(found, identity, identity)
    odds = np.exp([3.0, 1.0])
    assert (right.overlap, right.label) == (pytest.approx(0.15), 1)
    assert right.probability == pytest.approx(odds[0] / (1 + odds.sum()))
    assert wrong.label == 0
    assert wrong.probability == pytest.approx(np.exp(2) / (1 + np.exp(2) + np.exp(-1)))


def test_thresholds_count_right_ones_by_overlap_and_wrong_ones_everywhere() -> None:
    found = [
        Verdict(0.2, 1, 0.95),
        Verdict(0.2, 1, 0.65),
        Verdict(0.4, 0, 0.8),
        Verdict(0.6, -1, 0.99),
        Verdict(0.0, 0, 0.45),
    ]
    rows = {row["threshold"]: row for row in by_threshold(found)}
    assert [(rows[t]["low"], rows[t]["mid"], rows[t]["high"]) for t in (0.4, 0.7, 0.9)] == [
        (100, 0, 0), (50, 0, 0), (50, 0, 0)
    ]  # fmt: skip
    assert [rows[t]["wrong"] for t in (0.4, 0.5, 0.8, 0.9)] == [2, 1, 1, 0]
    assert by_threshold([])[0]["low"] is None
