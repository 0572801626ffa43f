"""A transformer over patches of a coarse signed-distance grid: the velocity of a rectified flow from noise to shapes.

    patches of x_t ─ linear ─┐
    patches of the seen points' distance ─ MLP ─ + ─ place ─▶ [attention, MLP] × depth ─▶ velocity
    t ─ sinusoids ─ MLP ─▶ scale, shift, gate of every block (shared, plus a learned table a block)

Peebles and Xie 2023 ("Scalable diffusion models with transformers") with the shared modulation of PixArt-alpha; flow
matching after Lipman et al. 2023 and Liu et al. 2023: x_t = (1 − t) ε + t x, the network learns x − ε.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class CompletionNetConfig:
    """width of a token, blocks, attention heads, numbers a patch of the latent, patches, values of a patch."""

    width: int = 112
    depth: int = 6
    heads: int = 4
    latent: int = 24
    tokens: int = 216
    patch: int = 125

    def as_metadata(self) -> dict[str, str]:
        """The settings as strings, for a safetensors header."""
        return {k: str(v) for k, v in asdict(self).items()}


class CompletionNet(nn.Module):
    """The network; see the module's picture.

    It also holds the linear code between patches and latents (`mean`, `basis`, `scale`): the principal components of
    the training shapes' patches.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, config: CompletionNetConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.register_buffer("mean", torch.zeros(config.patch))
        self.register_buffer("basis", torch.zeros(config.latent, config.patch))
        self.register_buffer("scale", torch.ones(config.latent))
        self.from_latent = nn.Linear(config.latent, w)
        self.from_seen = nn.Sequential(nn.Linear(config.patch, w), nn.GELU(), nn.Linear(w, w))
        self.place = nn.Parameter(torch.randn(config.tokens, w) * 0.02)
        self.time = nn.Sequential(nn.Linear(64, w), nn.SiLU(), nn.Linear(w, 6 * w))
        self.blocks = nn.ModuleList([Block(w, config.heads) for _ in range(config.depth)])
        self.last = nn.LayerNorm(w, elementwise_affine=False)
        self.out = nn.Linear(w, config.latent)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def encode(self, patches: Tensor) -> Tensor:
        """[..., patch] signed distances over their cut-off -> [..., latent]."""
        return (patches - self.mean) @ self.basis.T / self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """The inverse of `encode`, as far as so few numbers go."""
        return (latents * self.scale) @ self.basis + self.mean

    def forward(self, x: Tensor, t: Tensor, seen: Tensor) -> Tensor:
        """Velocity [B, tokens, latent] at x [B, tokens, latent] and t [B], given patches `seen` [B, tokens, patch]."""
        h = self.from_latent(x) + self.from_seen(seen) + self.place
        angle = t[:, None] * 1000 * torch.exp(-math.log(10_000) * torch.arange(32, device=t.device) / 32)
        modulation = self.time(torch.cat([angle.sin(), angle.cos()], -1)).unflatten(-1, (6, -1))
        for block in self.blocks:
            h = block(h, modulation)
        return self.out(self.last(h))


class Block(nn.Module):
    """Attention among all patches, then an MLP a patch, both modulated by time."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.table = nn.Parameter(torch.zeros(6, width))
        self.first, self.second = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """x [B, T, width], modulation [B, 6, width] -> [B, T, width]."""
        a, b, c, d, e, f = (m[:, None] for m in (modulation + self.table).unbind(1))
        q, k, v = self.qkv(self.first(x) * (1 + a) + b).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + (1 + c) * self.join(mixed)
        return x + (1 + f) * self.mlp(self.second(x) * (1 + d) + e)
