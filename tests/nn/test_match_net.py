"""The matching network: blind to the frame's pose, right on an easy pair after a few steps, honest shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geo3d.nn.match_loss import match_loss
from geo3d.nn.match_net import MatchNet, NetInput
from geo3d.registration.learned.net_input import net_input
from geo3d.registration.se3 import exp_se3


def side(T: np.ndarray, noise: int = 0) -> NetInput:
    """The same 220 points, described by features that tell them apart, seen from another frame."""
    rng = np.random.default_rng(0)
    points, normals = rng.uniform(-8, 8, (220, 3)), rng.normal(size=(220, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    shape = rng.uniform(size=(220, 66)).astype(np.float32)
    color = rng.uniform(size=(220, 12)).astype(np.float32)
    patches = rng.normal(size=(220, 6, 16, 16)).astype(np.float32)
    shape += 0.02 * np.random.default_rng(noise).normal(size=shape.shape).astype(np.float32)
    points = points @ T[:3, :3].T + T[:3, 3]
    return net_input(points, normals @ T[:3, :3].T, shape, color, patches, 1.0, colored=True)


def test_descriptors_do_not_depend_on_the_pose() -> None:
    torch.manual_seed(0)
    net = MatchNet().eval()
    T = exp_se3(np.array([0.4, -1.1, 2.0, 3.0, -2.0, 1.0]))
    with torch.no_grad():
        a, b = net.encode(side(np.eye(4))), net.encode(side(T))
    assert torch.allclose(a.local, b.local, atol=1e-3)
    assert torch.allclose(a.local.norm(dim=1), torch.ones(220), atol=1e-5)


def test_matching_gives_unit_features_and_an_overlap_for_each_superpoint() -> None:
    net = MatchNet().eval()
    x = side(np.eye(4))
    with torch.no_grad():
        e = net.encode(x)
        m = net.match(e, e)
    count = int(x.parent.max()) + 1
    assert m.fine[0].shape == (220, 64)
    assert m.coarse[1].shape == (count, 64)
    assert m.overlap[0].shape == (count,)
    assert torch.allclose(m.fine[0].norm(dim=1), torch.ones(220), atol=1e-5)


@pytest.mark.parametrize("context", [True, False])
def test_a_few_steps_lower_the_loss(context: bool) -> None:
    torch.manual_seed(0)
    net = MatchNet()
    T = exp_se3(np.array([0.1, 0.2, -0.1, 0.5, 0.2, 0.1]))
    a, b = side(np.eye(4)), side(T, noise=1)
    # Between centred frames only the turn is left.
    truth = np.eye(4)
    truth[:3, :3] = T[:3, :3]
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    totals = []
    for _ in range(15):
        loss = match_loss(net, a, b, truth, context=context)
        assert loss is not None
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        totals.append(float(loss.total.detach()))
    assert totals[-1] < 0.95 * totals[0]


def test_a_pair_without_common_points_says_so() -> None:
    far = np.eye(4)
    far[0, 3] = 500
    assert match_loss(MatchNet(), side(np.eye(4)), side(np.eye(4)), far) is None
