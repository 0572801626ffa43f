import numpy as np
import pytest

from geo3d.registration.sc2 import sc2_poses
from geo3d.registration.se3 import angle, exp_se3, inverse


@pytest.mark.parametrize("share_right", [0.5, 0.1])
def test_the_right_pose_leads_among_wrong_matches(share_right: float) -> None:
    rng = np.random.default_rng(0)
    truth = exp_se3(np.array([0.5, -1.0, 0.3, 2, 1, -1]))
    source = rng.uniform(-2, 2, (600, 3))
    target = source @ truth[:3, :3].T + truth[:3, 3] + rng.normal(size=source.shape) * 0.01
    wrong = rng.uniform(size=600) > share_right
    target[wrong] = rng.uniform(-2, 2, (wrong.sum(), 3))
    poses, counts = sc2_poses(source, target, 0.05)
    error = inverse(truth) @ poses[0]
    assert angle(error) < 0.01
    assert np.linalg.norm(error[:3, 3]) < 0.02
    assert counts[0] >= 0.9 * (~wrong).sum()


def test_order_of_the_matches_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    source = rng.uniform(-1, 1, (200, 3))
    target = source + [1.0, 0, 0]
    target[100:] = rng.uniform(-1, 1, (100, 3))
    order = rng.permutation(200)
    a, _ = sc2_poses(source, target, 0.05)
    b, _ = sc2_poses(source[order], target[order], 0.05)
    assert np.allclose(a[0], b[0], atol=1e-9)


def test_too_few_matches_give_no_pose() -> None:
    assert len(sc2_poses(np.zeros((3, 3)), np.zeros((3, 3)), 0.1)[0]) == 0
    assert len(sc2_poses(np.zeros((50, 3)), np.zeros((50, 3)), 0.1)[0]) == 0
