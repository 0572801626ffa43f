"""Message passing on k-nearest-neighbour graphs with geometric features on the edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EdgeConv(nn.Module):
    """Edge convolution (Wang et al. 2019, "Dynamic Graph CNN") with pair features and a residual.

    message   m_ij = ReLU(A x_i + B x_j + C e_ij)
    update    x_i + MLP(x_i, mean_j m_ij, max_j m_ij)

    Every node has the same number of incoming edges and they are stored together, node after node, as
    `neighbour_edges` lays them out; that makes gathering and aggregation a reshape.  For graphs of any degree
    `edge_conv_pyg.message_passing` gives the same layer to PyTorch Geometric, which takes seconds to import.
    """

    def __init__(self, width: int, pair: int) -> None:
        super().__init__()
        self.from_self = nn.Linear(width, width)
        self.from_other = nn.Linear(width, width, bias=False)
        self.from_pair = nn.Linear(pair, width, bias=False)
        self.update_node = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor, edge_index: Tensor, pair: Tensor) -> Tensor:
        """x [N, width], edge_index [2, N k] (other, self), pair [N k, pair] -> [N, width]."""
        n, width = x.shape
        other = self.from_other(x)[edge_index[0]].view(n, -1, width)
        m = (self.from_self(x)[:, None] + other + self.from_pair(pair).view(n, -1, width)).relu()
        return x + self.update_node(torch.cat([x, m.mean(1), m.amax(1)], -1))


def neighbour_edges(neighbours: Tensor) -> Tensor:
    """[2, N k] edges (other, self) of a table of neighbours [N, k], node after node."""
    n, k = neighbours.shape
    target = torch.arange(n, device=neighbours.device).repeat_interleave(k)
    return torch.stack([neighbours.reshape(-1), target])


def pair_features(points: Tensor, normals: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation-invariant features [E, 4] of oriented point pairs, and their differences [E, 3].

    |r|, n_i · r, n_j · r and n_i · n_j with r = p_j − p_i (after Drost et al. 2010); points in units of their spacing.
    """
    j, i = edge_index
    r = points[j] - points[i]
    n_i, n_j = normals[i], normals[j]
    length = (r * r).sum(-1).clamp(min=1e-12).sqrt()
    return torch.stack([length, (n_i * r).sum(-1), (n_j * r).sum(-1), (n_i * n_j).sum(-1)], -1), r
