"""Losses of the matching network: contrast at three scales, and where the sides overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from geo3d.nn.match_net import MatchNet, NetInput

# Voxels: closer is the same point; between this and APART nothing is said.
SAME = 1.2
APART = 3.0
FACING = 0.6
MIN_MATCHES = 15


@dataclass(frozen=True, eq=False)
class MatchLoss:
    """total, and its parts; right: share of points with a partner whose nearest descriptor is within 2 SAME."""

    total: Tensor
    local: float
    fine: float
    coarse: float
    overlap: float
    right: float


def match_loss(
    net: MatchNet, a: NetInput, b: NetInput, T_b_a: NDArray[np.float64], *, context: bool = True
) -> MatchLoss | None:
    """Loss of one pair; None if it has next to no true matches.

    Parameters
    ----------
    T_b_a : [4, 4] truth between the sides' centred frames, in voxels.
    context : train the Transformer and what follows too; False: the local descriptors alone, at half the cost.
    """
    distance, partner_a, partner_b = true_partners(a, b, T_b_a)
    has_a, has_b = partner_a.values < SAME, partner_b.values < SAME
    if int(has_a.sum()) < MIN_MATCHES or int(has_b.sum()) < MIN_MATCHES:
        return None
    x, y = net.encode(a), net.encode(b)
    scales = net.scales()
    unsure = distance < APART
    truth = (partner_a.indices, partner_b.indices, has_a, has_b, unsure)
    local, chosen = _contrast(scales[0] * x.local @ y.local.T, *truth)
    if not context:
        nan = float("nan")
        return MatchLoss(local, float(local.detach()), nan, nan, nan, _right(distance, has_a, chosen))
    m = net.match(x, y)
    fine, chosen = _contrast(scales[1] * m.fine[0] @ m.fine[1].T, *truth)
    shared = torch.zeros(len(m.coarse[0]), len(m.coarse[1]))
    shared.index_put_((a.parent[has_a], b.parent[partner_a.indices[has_a]]), torch.ones(int(has_a.sum())), True)
    coarse = _soft_contrast(scales[2] * m.coarse[0] @ m.coarse[1].T, shared)
    seen = [_share(side.parent, has.float()) for side, has in ((a, has_a), (b, has_b))]
    overlap = sum(binary_cross_entropy_with_logits(o, s) for o, s in zip(m.overlap, seen, strict=True)) / 2
    total = local + fine + coarse + 0.5 * overlap
    parts = (float(x.detach()) for x in (local, fine, coarse, overlap))
    local_, fine_, coarse_, overlap_ = parts
    return MatchLoss(total, local_, fine_, coarse_, overlap_, _right(distance, has_a, chosen))


def true_partners(a: NetInput, b: NetInput, T_b_a: NDArray[np.float64]) -> tuple[Tensor, Any, Any]:
    """Distances [N, M] at the truth, and each side's nearest point of like facing (values and indices)."""
    T = torch.from_numpy(T_b_a.astype(np.float32))
    # Inputs are centred about their own mean already.
    moved, facing = a.points @ T[:3, :3].T + T[:3, 3], a.normals @ T[:3, :3].T
    distance = torch.cdist(moved, b.points)
    same = torch.where(facing @ b.normals.T > FACING, distance, distance + 100)
    return distance, same.min(1), same.min(0)


def _right(distance: Tensor, has: Tensor, chosen: Tensor) -> float:
    return float((distance[has].gather(1, chosen[:, None])[:, 0] < 2 * SAME).float().mean())


def _contrast(
    logits: Tensor, partner_a: Tensor, partner_b: Tensor, has_a: Tensor, has_b: Tensor, unsure: Tensor
) -> tuple[Tensor, Tensor]:
    """InfoNCE both ways, leaving out near points that are not the partner; and each row's choice."""
    losses, choice = [], logits.detach()[has_a].argmax(1)
    for x, target, has, near in ((logits, partner_a, has_a, unsure), (logits.T, partner_b, has_b, unsure.T)):
        rows = torch.nonzero(has)[:, 0]
        hidden = near[rows].clone()
        hidden[torch.arange(len(rows)), target[rows]] = False
        losses.append(cross_entropy(x[rows].masked_fill(hidden, -1e4), target[rows]))
    return (losses[0] + losses[1]) / 2, choice


def _soft_contrast(logits: Tensor, shared: Tensor) -> Tensor:
    losses = []
    for x, s in ((logits, shared), (logits.T, shared.T)):
        rows = s.sum(1) > 1
        if rows.any():
            target = s[rows] / s[rows].sum(1, keepdim=True)
            losses.append(-(target * x[rows].log_softmax(1)).sum(1).mean())
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def _share(parent: Tensor, has: Tensor) -> Tensor:
    count = int(parent.max()) + 1
    return torch.zeros(count).index_add(0, parent, has) / torch.bincount(parent, minlength=count)
