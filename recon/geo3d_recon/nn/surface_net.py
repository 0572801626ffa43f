"""Signed distance near a surface from oriented noisy points.

    points, normals (WNNC), free paths ── pair, node features ──▶ EdgeConv ×2 ─▶ pool to cells ─▶ EdgeConv ×3 ─┐
                                                                      │                                     │
                                                                      └───────────────▶ join ◀──────────────┘
                                                                                         ▼ EdgeConv ×2
                                  per point: features, refined normal n̂ (it may turn over), offset o to the surface
    query q ─ nearest points ─▶ 4-head attention over (features, geometry, winding number of the n̂ at q)
                                learned IMLS value Σ softmax(a_j) (n̂_j · (q − p_j) + o_j), scaled and shifted

Everything is in units of the cloud's spacing and built of rotation-invariant features, so scale and pose do not matter.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from geo3d.nn.edge_conv import EdgeConv, neighbour_edges, pair_features

_PAIR = 5  # pair_features and the neighbour's area weight
_NODE = 8  # scalars a point; `geo3d_recon.learned.graph.point_cues` lists them


@dataclass(frozen=True)
class SurfaceNetConfig:
    """width of the features, neighbours in the graph, neighbours of a query, attention heads."""

    width: int = 40
    neighbours: int = 12
    query_neighbours: int = 12
    heads: int = 4

    def as_metadata(self) -> dict[str, str]:
        """The settings as strings, for a safetensors header."""
        return {k: str(v) for k, v in asdict(self).items()}


class Graph(NamedTuple):
    """One or several clouds as the network takes them; lengths in units of each cloud's spacing.

    points [N, 3], normals [N, 3] unit, axes [N, 3] unit, area [N] (squared spacings), node [N, 8] scalars,
    fine [N, k] neighbours (self first), cell [N] coarse cell of each point, coarse [M, k] neighbours of coarse cells
    """

    points: Tensor
    normals: Tensor
    axes: Tensor
    area: Tensor
    node: Tensor
    fine: Tensor
    cell: Tensor
    coarse: Tensor


class Encoded(NamedTuple):
    """What the encoder knows about each point: features [N, width], refined normals [N, 3], offsets [N]."""

    features: Tensor
    normals: Tensor
    offsets: Tensor


class SurfaceNet(nn.Module):
    """The network; see the module's picture."""

    def __init__(self, config: SurfaceNetConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.lift = nn.Sequential(nn.Linear(_PAIR, w), nn.ReLU(), nn.Linear(w, w))
        self.lift_node = nn.Sequential(nn.Linear(_NODE, w), nn.ReLU(), nn.Linear(w, w))
        self.fine = nn.ModuleList([EdgeConv(w, _PAIR) for _ in range(2)])
        self.coarse = nn.ModuleList([EdgeConv(w, _PAIR) for _ in range(3)])
        self.join = nn.Sequential(nn.Linear(2 * w, w), nn.ReLU(), nn.Linear(w, w))
        self.last = nn.ModuleList([EdgeConv(w, _PAIR) for _ in range(2)])
        self.side = nn.Sequential(nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 2))
        self.turn_self, self.turn_other = nn.Linear(w, w), nn.Linear(w, w, bias=False)
        self.turn_pair, self.turn = nn.Linear(_PAIR, w, bias=False), nn.Linear(w, 2)
        self.offset = nn.Sequential(nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 1))
        self.query = QueryHead(config)

    def encode(self, g: Graph) -> Encoded:
        """Features, normals and offsets of all points."""
        edges = neighbour_edges(g.fine)
        pair, r = self._pairs(g.points, g.normals, g.area, edges)
        x = self.lift(pair).view(len(g.points), -1, self.config.width).mean(1) + self.lift_node(g.node)
        for layer in self.fine:
            x = layer(x, edges, pair)
        x = self.join(torch.cat([x, self._context(x, g)[g.cell]], -1)) + x
        for layer in self.last:
            x = layer(x, edges, pair)
        j, i = edges
        hidden = (self.turn_self(x)[i] + self.turn_other(x)[j] + self.turn_pair(pair)).relu()
        weights = self.turn(hidden)
        delta = (weights[:, :1] * r * 0.3 + weights[:, 1:] * g.normals[j]).view(len(x), -1, 3).mean(1)
        side = self.side(x)
        normals = (1 + side[:, :1]) * g.normals + side[:, 1:] * g.axes + delta
        return Encoded(x, nn.functional.normalize(normals, dim=-1), self.offset(x)[:, 0])

    def _context(self, x: Tensor, g: Graph) -> Tensor:
        """[M, width] features of the coarse cells after message passing among them."""
        m = len(g.coarse)
        count = torch.bincount(g.cell, minlength=m).clamp(min=1).to(x.dtype)[:, None]

        def pool(v: Tensor) -> Tensor:
            return torch.zeros(m, v.shape[1], dtype=v.dtype, device=v.device).index_add(0, g.cell, v) / count

        points, normals = pool(g.points), nn.functional.normalize(pool(g.normals), dim=-1)
        edges = neighbour_edges(g.coarse)
        # A coarse cell is about three spacings wide.
        pair, _ = self._pairs(points / 3, normals, pool(g.area[:, None])[:, 0], edges)
        y = pool(x)
        for layer in self.coarse:
            y = layer(y, edges, pair)
        return y

    @staticmethod
    def _pairs(points: Tensor, normals: Tensor, area: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        pair, r = pair_features(points, normals, edges)
        return torch.cat([pair, area[edges[0], None].clamp(max=4)], -1), r


class QueryHead(nn.Module):
    """Signed distance at queries from the encoded points around them."""

    def __init__(self, config: SurfaceNetConfig) -> None:
        super().__init__()
        w = config.width
        self.heads = config.heads
        self.from_point = nn.Linear(w, w)
        self.from_pair = nn.Linear(6, w)
        self.hidden = nn.Sequential(nn.ReLU(), nn.Linear(w, w), nn.ReLU())
        self.score = nn.Linear(w, config.heads + 1)
        self.value = nn.Linear(w, w)
        self.out = nn.Sequential(nn.Linear(w + 2, w), nn.ReLU(), nn.Linear(w, 2))

    def forward(
        self,
        encoded: Encoded,
        g: Graph,
        queries: Tensor,
        neighbours: Tensor,
        winding: Tensor,
        keys: Tensor | None = None,
    ) -> Tensor:
        """[Q] signed distance in spacings, negative inside.

        queries [Q, 3] in spacings, neighbours [Q, K] nearest points, winding [Q] winding number − ½; keys: `keys` of
        the points, for who asks many times
        """
        u = queries[:, None] - g.points[neighbours]
        normal = encoded.normals[neighbours]
        along, raw = (normal * u).sum(-1), (g.normals[neighbours] * u).sum(-1)
        length = (u * u).sum(-1).clamp(min=1e-12).sqrt()
        plane = along - encoded.offsets[neighbours]
        w = winding.clamp(-1.5, 1.5)
        pair = torch.stack([length, along, raw, plane, torch.exp(-length), w[:, None].expand_as(length)], -1)
        keys = self.keys(encoded) if keys is None else keys
        h = self.hidden(keys[neighbours] + self.from_pair(pair))
        attention = (self.score(h) - length[..., None]).softmax(1)
        imls = (attention[..., 0] * plane).sum(1)
        # A head's attention sums to one, so the mean of the values is the value of the mean, at a third of the work.
        mean = attention[..., 1:].transpose(1, 2) @ h
        weight = self.value.weight.view(self.heads, -1, mean.shape[-1])
        pooled = torch.einsum("qhw,hdw->qhd", mean, weight).flatten(1) + self.value.bias
        scale, shift = self.out(torch.cat([pooled, imls[:, None].clamp(-3, 3), w[:, None]], -1)).unbind(-1)
        return imls * (1 + scale) + shift

    def keys(self, encoded: Encoded) -> Tensor:
        """[N, width] what each point brings to every query near it."""
        return self.from_point(encoded.features)


def winding_number(points: Tensor, moments: Tensor, queries: Tensor, width: float) -> Tensor:
    """[Q] softened winding number of one cloud, all pairs; `geo3d_recon.winding` is the same by a tree."""
    d = points[None] - queries[:, None]
    reach = (d * d).sum(-1).clamp(min=width * width)
    return torch.einsum("qnc,nc,qn->q", d, moments, reach**-1.5) / (4 * math.pi)
