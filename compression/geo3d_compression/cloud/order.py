"""The input's order, as a permutation of the decoded points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.attributes.channels import ChannelRange, decode_channels, encode_channels
from geo3d_compression.attributes.order import NEIGHBOURS, CodingOrder


def encode_permutation(original: NDArray[np.int64]) -> bytes:
    """Code `original` [N], the input index of each decoded point, as steps between the ranks of consecutive inputs."""
    n = len(original)
    rank = np.zeros(n, np.int64)
    rank[original] = np.arange(n)
    steps = np.diff(rank, prepend=-1)[:, None]
    (data,) = encode_channels(_chain(n), steps, [ChannelRange(-n, n, flat=True)], [n])
    return data


def decode_permutation(data: bytes, n: int) -> NDArray[np.int64]:
    """[N]: for each input index, the decoded point that belongs there."""
    steps = decode_channels(_chain(n), [data], [ChannelRange(-n, n, flat=True)], [n], n)
    rank = np.cumsum(steps[:, 0]) - 1
    if n and (rank.min() < 0 or rank.max() >= n or np.bincount(rank, minlength=n).max() > 1):
        raise BitstreamError("the order of the points is damaged: it names a point twice")
    return rank


def _chain(n: int) -> CodingOrder:
    """Each value has the two before it as neighbours."""
    neighbours = np.full((n, NEIGHBOURS), -1, np.int32)
    neighbours[1:, 0] = np.arange(n - 1)
    neighbours[2:, 1] = np.arange(n - 2)
    distances = np.where(neighbours >= 0, 16, 0).astype(np.int32)
    return CodingOrder(np.arange(n), neighbours, distances, np.array([0, n, n, n]))
