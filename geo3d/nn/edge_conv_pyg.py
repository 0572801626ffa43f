"""`EdgeConv` as message passing of PyTorch Geometric, for graphs whose nodes have any number of edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from geo3d.nn.edge_conv import EdgeConv


class _EdgeConvMessagePassing(MessagePassing):
    def __init__(self, layer: EdgeConv) -> None:
        super().__init__(aggr=["mean", "max"])
        self.layer = layer

    def forward(self, x: Tensor, edge_index: Tensor, pair: Tensor) -> Tensor:
        a, b = self.layer.from_self(x), self.layer.from_other(x)
        m = self.propagate(edge_index, a=a, b=b, pair=self.layer.from_pair(pair))
        return x + self.layer.update_node(torch.cat([x, m], -1))

    def message(self, a_i: Tensor, b_j: Tensor, pair: Tensor) -> Tensor:
        return (a_i + b_j + pair).relu()


def message_passing(layer: EdgeConv) -> MessagePassing:
    """The layer with its weights (shared, not copied), called as x [N, width], edge_index [2, E] (other, self), pair
    [E, pair]: e.g. a trained one on a radius graph."""
    return _EdgeConvMessagePassing(layer)
