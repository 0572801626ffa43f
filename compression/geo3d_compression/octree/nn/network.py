"""The octree-latent network, with the quantisation of its integer form.

    parent latent --U_octant--> f0 --conv27--> f1 --conv27 + f1--> f2 ------> stage s: 64 - 32 - logit of octant s
                                   existence    existence, density    |         ^
                                                                      |         octants < s of the 27 nodes around
                                                                      +--> + own occupancy --> latent of the children

All activations are integers / 32 in [0, 255 / 32], all weights integers / 256, so that each sum is an integer / 8192
below 2^24 in magnitude: float32 matrix products then are exact in any order (`octree.network` runs the same integers).

b - nodes of a level; C - channels of the latent; H - hidden units of a stage.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

ACTIVATION_SCALE = 32
WEIGHT_SCALE = 256
ACTIVATION_MAX = 255
DENSITY_CLASSES = 12


def round_through(x: Tensor) -> Tensor:
    """Rounding, halves up, whose gradient is the identity."""
    return x + (torch.floor(x + 0.5) - x).detach()


class Gather27(torch.autograd.Function):
    """Rows of the 27 neighbours side by side.  The table is symmetric, so the gradient is a gather too."""

    @staticmethod
    def forward(ctx, x: Tensor, table: Tensor) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(table)
        padded = torch.cat([x, x.new_zeros(1, x.shape[1])])
        return padded[table.reshape(-1)].reshape(len(table), -1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def, override]
        (table,) = ctx.saved_tensors
        n = len(table)
        rows = torch.cat([grad.reshape(n * 27, -1), grad.new_zeros(27, grad.shape[1] // 27)])
        out = embedding_bag(table.flip(1) * 27 + torch.arange(27), rows, mode="sum")
        return out, None


class OctreeNetwork(nn.Module):
    """Logits of the eight children of every node of a level, and the latents for the next level."""

    def __init__(self, channels: int = 32, hidden: int = 64, head: int = 32) -> None:
        super().__init__()
        C, H = channels, hidden
        self.channels, self.hidden = C, H
        self.quantise = False

        def weight(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape) * (1.4 / fan) ** 0.5)

        self.up = weight(C, 8 * C, fan=C)
        self.up_bias = nn.Parameter(torch.rand(8, C) * 0.5)
        self.conv1 = weight(27 * C, C, fan=10 * C)
        self.exist1 = weight(27, C, fan=27)
        self.density = nn.Parameter(torch.zeros(DENSITY_CLASSES, C))
        self.conv2 = weight(27 * C, C, fan=20 * C)
        self.exist2 = weight(27, C, fan=54)
        self.bias2 = nn.Parameter(torch.zeros(C))
        self.own = weight(8, C, fan=16)
        self.own_bias = nn.Parameter(torch.zeros(C))
        self.latent_in = weight(C, 8 * H, fan=C)
        self.known_in = nn.ParameterList([torch.randn(27 * s, H) * 0.12 for s in range(8)])
        self.bias_in = nn.Parameter(torch.zeros(8, H))
        self.middle = weight(8, H, head, fan=H)
        self.bias_middle = nn.Parameter(torch.zeros(8, head))
        self.out = weight(8, head, fan=head)
        self.bias_out = nn.Parameter(torch.zeros(8))

    def w(self, x: Tensor) -> Tensor:
        """Weights as they will be stored."""
        return round_through(x * WEIGHT_SCALE) / WEIGHT_SCALE if self.quantise else x

    def b(self, x: Tensor) -> Tensor:
        """Biases as they will be stored."""
        scale = WEIGHT_SCALE * ACTIVATION_SCALE
        return round_through(x * scale) / scale if self.quantise else x

    def act(self, x: Tensor) -> Tensor:
        """ReLU clipped to the integer range, rounded when quantising."""
        x = x.clamp(0, ACTIVATION_MAX / ACTIVATION_SCALE)
        return round_through(x * ACTIVATION_SCALE) / ACTIVATION_SCALE if self.quantise else x

    def forward(
        self,
        parents: Tensor,  # [m, C] latents of the level above
        parent: Tensor,  # [b]
        octant: Tensor,  # [b]
        table: Tensor,  # [b, 27], b where absent
        density: Tensor,  # [b] class
        occupancy: Tensor,  # [b] bytes
    ) -> tuple[Tensor, Tensor]:
        """Logits [b, 8] and latents [b, C]."""
        b, C, H = len(parent), self.channels, self.hidden
        up = (parents @ self.w(self.up)).reshape(-1, C)
        f0 = self.act(up.index_select(0, parent * 8 + octant) + self.b(self.up_bias)[octant])
        exist = (table < b).to(f0.dtype)
        f1 = self.act(
            Gather27.apply(f0, table) @ self.w(self.conv1) + exist @ self.w(self.exist1) + self.b(self.density)[density]
        )
        f2 = self.act(
            f1 + Gather27.apply(f1, table) @ self.w(self.conv2) + exist @ self.w(self.exist2) + self.b(self.bias2)
        )
        bytes27 = torch.cat([occupancy, occupancy.new_zeros(1)])[table]
        known = ((bytes27[:, None, :] >> torch.arange(8)[:, None]) & 1).to(f0.dtype).reshape(b, 216)
        start = ((f2 @ self.w(self.latent_in)).reshape(b, 8, H) + self.b(self.bias_in)).unbind(1)
        logits = []
        for s in range(8):
            h = start[s]
            if s:
                h = h + known[:, : 27 * s] @ self.w(self.known_in[s])
            h = self.act(self.act(h) @ self.w(self.middle[s]) + self.b(self.bias_middle[s]))
            logits.append(h @ self.w(self.out[s]) + self.b(self.bias_out[s]))
        own = ((occupancy[:, None] >> torch.arange(8)) & 1).to(f0.dtype)
        latent = self.act(f2 + own @ self.w(self.own) + self.b(self.own_bias))
        return torch.stack(logits, 1), latent
