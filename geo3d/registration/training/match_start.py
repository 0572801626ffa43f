"""A closed-form start for the matching network: the linear map that tells points apart best.

Linear discriminant analysis with every physical point a class (as in "linear discriminant embedding", Hua et al. 2007):
directions in which descriptors differ much between points and little between two views of one point.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from geo3d.nn.match_loss import SAME, true_partners
from geo3d.nn.match_net import raw_features
from geo3d.registration.training.match_data import MatchPair

PATCH_PARTS = 96
PER_PAIR = 120
RIDGE = 0.1


def linear_start(pairs: Iterable[MatchPair], width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [width, D] and bias [width] of a map from `raw_features` to descriptors.

    Pairs without colour or patches are left out.
    """
    rng = np.random.default_rng(0)
    left, right, other = [], [], []
    for pair in pairs:
        if not (pair.a.has_color and pair.a.has_patch):
            continue
        _, partner, _ = true_partners(pair.a, pair.b, pair.T_b_a)
        has = np.flatnonzero((partner.values < SAME).numpy())
        has = rng.permutation(has)[:PER_PAIR]
        x, y = raw_features(pair.a).numpy(), raw_features(pair.b).numpy()
        left.append(x[has])
        right.append(y[partner.indices.numpy()[has]])
        other += [z[rng.permutation(len(z))[:PER_PAIR]] for z in (x, y)]
    a, b, every = np.concatenate(left), np.concatenate(right), np.concatenate(other)
    mean = every.mean(axis=0)
    basis = _patch_basis(every - mean)
    a, b, every = (a - mean) @ basis, (b - mean) @ basis, (every - mean) @ basis
    between = every.T @ every / len(every)
    within = (a - b).T @ (a - b) / (2 * len(a))
    values, vectors = np.linalg.eigh(within + RIDGE * np.diag(np.diag(within)) + 1e-6 * np.eye(len(within)))
    white = vectors / np.sqrt(values)
    ratio, directions = np.linalg.eigh(white.T @ between @ white)
    # Signal over noise weighs a direction: one that differs no more between points than between views is worth nothing.
    worth = np.maximum(1 - 1 / np.maximum(ratio[::-1][:width], 1), 0.0)
    W = (basis @ white @ directions[:, ::-1][:, :width] * worth).T
    scale = np.sqrt(((every @ (white @ directions[:, ::-1][:, :width] * worth)) ** 2).sum(axis=1).mean())
    W = W / scale
    return W.astype(np.float32), (-W @ mean).astype(np.float32)


def _patch_basis(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """[D, 78 + PATCH_PARTS]: features as they are, patches by their principal parts."""
    patches = x[:, 78:]
    _, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    basis = np.zeros((x.shape[1], 78 + PATCH_PARTS), np.float32)
    basis[:78, :78] = np.eye(78)
    basis[78:, 78:] = vectors[:, ::-1][:, :PATCH_PARTS]
    return basis
