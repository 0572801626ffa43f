"""Coarse-to-fine matching of two sets of oriented points with colour patches.

points ─▶ shape features ─▶ EdgeConv ─┬─▶ EdgeConv ─┬─▶ local descriptors ──────────┬─▶ fine descriptors
          patches, colour ─▶ EdgeConv ┘ (both ways)  └─▶ superpoints ─▶ Transformer ─┴─▶ coarse features, overlap

Two-branch encoding with fusion both ways: after Wang et al. 2022 (LLT) and Yuan et al. 2023 (PointMBF).  Superpoints
with a structure-aware Transformer and coarse-to-fine matching: Qin et al. 2022.  Nothing depends on the frame's pose
but the patches' upright direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from geo3d.nn.edge_conv import EdgeConv, neighbour_edges, pair_features
from geo3d.nn.patch_encoder import PatchEncoder
from geo3d.nn.structure_attention import StructureTransformer

PATCH_CHANNELS, PATCH_SIZE = 6, 16


@dataclass(frozen=True)
class MatchNetConfig:
    """Widths of the network; reach: distance [voxels] up to which superpoints' distances are told apart."""

    shape: int = 66
    color: int = 12
    width: int = 64
    heads: int = 4
    blocks: int = 2
    reach: float = 60.0


@dataclass(frozen=True, eq=False)
class NetInput:
    """One frame or cloud, in voxels.

    points, normals [N, 3]; shape [N, 66]; color [N, 12]; patches [N, 6, 16, 16]; neighbours [N, k] int64;
    parent [N] int64 superpoint of each point; has_color, has_patch 1 or 0
    """

    points: Tensor
    normals: Tensor
    shape: Tensor
    color: Tensor
    patches: Tensor
    neighbours: Tensor
    parent: Tensor
    has_color: float
    has_patch: float


@dataclass(frozen=True, eq=False)
class Encoded:
    """What one side gives: local [N, width] unit descriptors, raw [N, width], and its S superpoints."""

    local: Tensor
    raw: Tensor
    parent: Tensor
    super_features: Tensor
    super_points: Tensor
    super_normals: Tensor


@dataclass(frozen=True, eq=False)
class Matched:
    """fine [N, width] and coarse [S, width] unit descriptors of both sides; overlap [S] logits."""

    fine: tuple[Tensor, Tensor]
    coarse: tuple[Tensor, Tensor]
    overlap: tuple[Tensor, Tensor]


def raw_features(x: NetInput) -> Tensor:
    """[N, D] everything that a point brings along: shape, colour, patch; zeros for what it lacks."""
    return torch.cat([x.shape, x.color * x.has_color, (x.patches * x.has_patch).flatten(1)], 1)


class MatchNet(nn.Module):
    """See the module."""

    def __init__(self, config: MatchNetConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MatchNetConfig()
        w = c.width
        self.linear = nn.Linear(c.shape + c.color + PATCH_CHANNELS * PATCH_SIZE**2, w)
        self.shape_in = nn.Linear(c.shape, w)
        self.color_in = nn.Linear(c.color + 1, w)
        self.patch_in = PatchEncoder(PATCH_CHANNELS, w)
        self.geometric = nn.ModuleList(EdgeConv(w, 4) for _ in range(2))
        self.visual = EdgeConv(w, 4)
        self.to_geometric, self.to_visual = nn.Linear(w, w), nn.Linear(w, w)
        self.local_out = nn.Sequential(nn.Linear(2 * w, 2 * w), nn.ReLU(), nn.Linear(2 * w, w))
        self.super_in = nn.Sequential(nn.Linear(4 * w, 2 * w), nn.ReLU(), nn.Linear(2 * w, w))
        self.transformer = StructureTransformer(w, c.heads, c.blocks, c.reach)
        self.coarse_out, self.overlap_out = nn.Linear(w, w), nn.Linear(w, 1)
        self.fine_out = nn.Sequential(nn.Linear(2 * w, 2 * w), nn.ReLU(), nn.Linear(2 * w, w))
        # The local descriptor starts as the linear map of what a point brings along, the fine one as the local one.
        for last in (self.local_out[2], self.fine_out[2]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        # log of 1 / temperature of the local, fine and coarse similarities
        self.sharpness = nn.Parameter(torch.full((3,), 3.0))

    def encode(self, x: NetInput) -> Encoded:
        """Describe one side without knowing the other."""
        edges = neighbour_edges(x.neighbours)
        pair, _ = pair_features(x.points, x.normals, edges)
        g = self.shape_in(x.shape)
        told = torch.full_like(x.color[:, :1], x.has_color)
        v = self.color_in(torch.cat([x.color * x.has_color, told], 1)) + self.patch_in(x.patches) * x.has_patch
        g, v = self.geometric[0](g, edges, pair), self.visual(v, edges, pair)
        g, v = g + self.to_geometric(v), v + self.to_visual(g)
        g = self.geometric[1](g, edges, pair)
        both = torch.cat([g, v], 1)
        raw = self.linear(raw_features(x)) + self.local_out(both)
        count = int(x.parent.max()) + 1
        size = torch.bincount(x.parent, minlength=count)[:, None]
        mean = both.new_zeros(count, both.shape[1]).index_add(0, x.parent, both) / size
        index = x.parent[:, None].expand_as(both)
        most = both.new_full((count, both.shape[1]), -1e4).scatter_reduce(0, index, both, "amax")
        points = x.points.new_zeros(count, 3).index_add(0, x.parent, x.points) / size
        normals = normalize(x.normals.new_zeros(count, 3).index_add(0, x.parent, x.normals), dim=1)
        features = self.super_in(torch.cat([mean, most], 1))
        return Encoded(normalize(raw, dim=1), raw, x.parent, features, points, normals)

    def match(self, a: Encoded, b: Encoded) -> Matched:
        """Let two sides look at each other."""
        h_a, h_b = self.transformer(
            a.super_features, b.super_features, (a.super_points, a.super_normals), (b.super_points, b.super_normals)
        )
        fine = [self.fine_out(torch.cat([x.raw, h[x.parent]], 1)) + x.raw for x, h in ((a, h_a), (b, h_b))]
        return Matched(
            (normalize(fine[0], dim=1), normalize(fine[1], dim=1)),
            (normalize(self.coarse_out(h_a), dim=1), normalize(self.coarse_out(h_b), dim=1)),
            (self.overlap_out(h_a)[:, 0], self.overlap_out(h_b)[:, 0]),
        )

    def start_linear(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        """Set the linear branch, [width, D] and [width]."""
        with torch.no_grad():
            self.linear.weight.copy_(torch.from_numpy(weight))
            self.linear.bias.copy_(torch.from_numpy(bias))

    def scales(self) -> Tensor:
        """[3] factors of the local, fine and coarse cosine similarities."""
        return self.sharpness.clamp(max=4.0).exp()
