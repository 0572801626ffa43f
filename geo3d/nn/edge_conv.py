"""Message passing on k-nearest-neighbour graphs with geometric features on the edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing


class EdgeConv(MessagePassing):
    """Edge convolution (Wang et al. 2019, "Dynamic Graph CNN") with pair features and a residual.

    message   m_ij = ReLU(A x_i + B x_j + C e_ij)
    update    x_i + MLP(x_i, mean_j m_ij, max_j m_ij)

    Every node has the same number of incoming edges and they are stored together, node after node, as
    `neighbour_edges` lays them out; that makes the aggregation a reshape.
    """

    def __init__(self, width: int, pair: int) -> None:
        super().__init__(aggr=None, node_dim=0)
        self.from_self = nn.Linear(width, width)
        self.from_other = nn.Linear(width, width, bias=False)
        self.from_pair = nn.Linear(pair, width, bias=False)
        self.update_node = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor, edge_index: Tensor, pair: Tensor) -> Tensor:
        """x [N, width], edge_index [2, N k] (other, self), pair [N k, pair] -> [N, width]."""
        m = self.propagate(edge_index, a=self.from_self(x), b=self.from_other(x), pair=pair, size=None)
        return x + self.update_node(torch.cat([x, m], -1))

    def message(self, a_i: Tensor, b_j: Tensor, pair: Tensor) -> Tensor:
        return (a_i + b_j + self.from_pair(pair)).relu()

    def aggregate(self, inputs: Tensor, dim_size: int) -> Tensor:
        groups = inputs.view(dim_size, -1, inputs.shape[-1])
        return torch.cat([groups.mean(1), groups.amax(1)], -1)


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
