"""Which keyframes may show the same place, by their looks alone.

Each keyframe's local features (SIFT and FPFH with colour) are summed to one vector over a codebook made from the scan
itself (VLAD, Jegou et al. 2010), so nothing is trained on other sensors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames import FrameDescription

WORDS = 24
SAMPLE = 6000


def similarity(descriptions: Sequence[FrameDescription], seed: int = 0) -> NDArray[np.float64]:
    """[K, K] cosine similarity of the keyframes' global descriptors."""
    shape = [np.hstack([d.shape, d.color]) for d in descriptions]
    lifted = [d.lifted.descriptors for d in descriptions]
    parts = [_vlad(features, seed) for features in (shape, lifted) if sum(map(len, features)) > 10 * WORDS]
    if not parts:
        return np.eye(len(descriptions))
    v = np.concatenate(parts, axis=1)
    v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9)
    return np.asarray(v @ v.T, dtype=np.float64)


def _vlad(features: Sequence[NDArray[np.float32]], seed: int) -> NDArray[np.float64]:
    every = np.concatenate(features)
    rng = np.random.default_rng(seed)
    sample = every[rng.choice(len(every), min(SAMPLE, len(every)), replace=False)].astype(np.float64)
    words = _means(sample, rng)
    rows = []
    for f in features:
        v = np.zeros((WORDS, every.shape[1]))
        if len(f):
            nearest = _nearest(f, words)
            np.add.at(v, nearest, f - words[nearest])
            v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9)
        rows.append(v.ravel() / np.sqrt(WORDS))
    return np.stack(rows)


def _means(sample: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """[WORDS, D] by Lloyd's iteration; a word that loses all its members stays where it is."""
    words = sample[rng.choice(len(sample), WORDS, replace=False)].copy()
    for _ in range(8):
        nearest = _nearest(sample, words)
        for k in range(WORDS):
            mine = sample[nearest == k]
            if len(mine):
                words[k] = mine.mean(axis=0)
    return words


def _nearest(x: NDArray[np.floating], words: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(((words**2).sum(axis=1)[None] - 2 * x @ words.T).argmin(axis=1))
