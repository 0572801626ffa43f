"""Attention over points that knows how they lie to each other, and attention between two sets.

Structure embedding in self-attention: Qin et al. 2022, "Geometric Transformer for Fast and Robust Point Cloud
Registration", section 3.2; here distances and the angles of oriented point pairs give one bias a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

DISTANCES = 12


class StructureBias(nn.Module):
    """Rotation-invariant pair features of oriented points -> [heads, S, S] attention biases."""

    def __init__(self, heads: int, reach: float) -> None:
        super().__init__()
        self.register_buffer("centers", torch.linspace(0, reach, DISTANCES), persistent=False)
        self.spread = reach / (DISTANCES - 1)
        self.layers = nn.Sequential(nn.Linear(DISTANCES + 3, 32), nn.ReLU(), nn.Linear(32, heads))

    def forward(self, points: Tensor, normals: Tensor) -> Tensor:
        r = points[None] - points[:, None]
        length = (r * r).sum(-1).clamp(min=1e-12).sqrt()
        near = torch.exp(-(((length[..., None] - self.centers) / self.spread) ** 2))
        direction = r / length.clamp(min=1e-3)[..., None]
        angles = [
            (normals[:, None] * direction).sum(-1),
            (normals[None] * direction).sum(-1),
            normals @ normals.T,
        ]
        return self.layers(torch.cat([near, torch.stack(angles, -1)], -1)).permute(2, 0, 1)


class Attention(nn.Module):
    """Multi-head attention of one set to another with a feed-forward layer, both residual (b - heads, s - points)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.norm_in, self.norm_mid = nn.LayerNorm(width), nn.LayerNorm(width)
        self.forward_layer = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, other: Tensor, bias: Tensor | None = None) -> Tensor:
        """x [S, width], other [M, width], bias [heads, S, M] -> [S, width]."""
        width = x.shape[-1] // self.heads
        q = self.query(self.norm_in(x)).view(len(x), self.heads, width).transpose(0, 1)
        k, v = self.key_value(self.norm_in(other)).view(len(other), 2, self.heads, width).unbind(1)
        logits = q @ k.permute(1, 2, 0) / width**0.5
        if bias is not None:
            logits = logits + bias
        mixed = logits.softmax(-1) @ v.transpose(0, 1)
        x = x + self.out(mixed.transpose(0, 1).reshape(x.shape))
        return x + self.forward_layer(self.norm_mid(x))


class StructureTransformer(nn.Module):
    """Self-attention with structure and cross-attention in turn, the same weights for both sets."""

    def __init__(self, width: int, heads: int, blocks: int, reach: float) -> None:
        super().__init__()
        self.bias = nn.ModuleList(StructureBias(heads, reach) for _ in range(blocks))
        self.own = nn.ModuleList(Attention(width, heads) for _ in range(blocks))
        self.across = nn.ModuleList(Attention(width, heads) for _ in range(blocks))

    def forward(
        self, a: Tensor, b: Tensor, where_a: tuple[Tensor, Tensor], where_b: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """a [S, width], b [M, width]; where: their points and normals."""
        for bias, own, across in zip(self.bias, self.own, self.across, strict=True):
            a, b = own(a, a, bias(*where_a)), own(b, b, bias(*where_b))
            a, b = across(a, b), across(b, a)
        return a, b
