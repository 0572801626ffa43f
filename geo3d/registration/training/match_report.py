"""How many of the best matches are right, on rooms that nothing was trained on: the reason to ship weights, or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from geo3d.registration.training.match_data import MatchPair

BEST = 100


def report_matches(net: Any, pairs: Sequence[MatchPair]) -> dict[str, float]:
    """Share of each pair's BEST matches that are within two voxels of the truth, mean over the pairs.

    FPFH with colour by distance; the linear branch alone; the whole network coarse to fine.
    """
    import torch

    from geo3d.nn.match_loss import true_partners
    from geo3d.nn.match_net import raw_features

    net.eval()
    rows = []
    with torch.no_grad():
        for pair in pairs:
            near = true_partners(pair.a, pair.b, pair.T_b_a)[0].numpy() < 2
            hand = [torch.cat([x.shape, x.color], 1) for x in (pair.a, pair.b)]
            line = [torch.nn.functional.normalize(net.linear(raw_features(x)), dim=1) for x in (pair.a, pair.b)]
            a, b = net.encode(pair.a), net.encode(pair.b)
            m, scales = net.match(a, b), net.scales()
            overlap = [torch.nn.functional.logsigmoid(o) for o in m.overlap]
            coarse = _dual((scales[2] * m.coarse[0] @ m.coarse[1].T).numpy())
            coarse += (overlap[0][:, None] + overlap[1][None]).numpy()
            fine = _dual((scales[1] * m.fine[0] @ m.fine[1].T).numpy())
            fine += coarse[a.parent.numpy()][:, b.parent.numpy()]
            rows.append(
                [
                    _right(near, -torch.cdist(*hand).numpy()),
                    _right(near, _dual((scales[0] * line[0] @ line[1].T).numpy())),
                    _right(near, fine),
                ]
            )
    mean = np.array(rows).mean(axis=0) if rows else np.full(3, np.nan)
    names = ("fpfh_and_colour", "linear", "network")
    return {"pairs": len(rows), **{k: round(float(v), 4) for k, v in zip(names, mean, strict=True)}}


def _dual(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((log_softmax(x, axis=0) + log_softmax(x, axis=1)) / 2, dtype=np.float32)


def _right(near: NDArray[np.bool_], score: NDArray[np.float32]) -> float:
    """Of the best partners of every row, the BEST by score."""
    best = score.argmax(axis=1)
    value = score[np.arange(len(score)), best]
    top = np.argsort(-value, kind="stable")[:BEST]
    return float(near[top, best[top]].mean())
