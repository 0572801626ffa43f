"""The octree-latent network, with the quantisation of its integer form.

    parent latent --U_octant--> f --conv27--> f --conv27 + f--> f -----> stage s: hidden - head - logit of octant s,
                               existence, density               |        with the octants < s of the 27 nodes around
                                     own octants so far --------+
                                                                v
                                               f --conv27 + f--> f -----> the stages up to the next refresh, and so on
                                                                  +-----> + own occupancy: latent of the children

The convolutions are sparse, over the 27 nodes around a node; `deep` more residual ones may follow the second.  Those
after a refresh see what every node has of its octants so far: a stage then sees known voxels as far as the
convolutions reach, not those of the 27 nodes alone.

A causal network's stages also see, of the 124 nodes around, those that come earlier in Morton order: their octant of
this very stage, and how far it was from what the stage expected before it saw any (its base logit).

All activations are integers / 32 in [0, 255 / 32], all weights integers / 256, so that each sum is an integer / 8192
below 2^24 in magnitude: float32 matrix products then are exact in any order (`octree.network` runs the same integers).

b - nodes of a level; C - channels of the latent; H - hidden units of a stage.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import hardtanh, pad

from geo3d_compression.octree.earlier import FAR_FIRST, FAR_SECOND
from geo3d_compression.octree.integers import ACTIVATION_MAX, ACTIVATION_SCALE, WEIGHT_SCALE
from geo3d_compression.octree.nn.sparse_conv import SparseConv27

DENSITY_CLASSES = 12


def round_through(x: Tensor) -> Tensor:
    """Rounding, halves up, whose gradient is the identity."""
    return x + (torch.floor(x + 0.5) - x).detach()


class OctreeNetwork(nn.Module):
    """Logits of the eight children of every node of a level, and the latents for the next level.

    `refreshes`: stages before which the features take in the octants so far and pass another convolution; `deep`:
    residual convolutions between the second one and the stages; `causal`: whether the stages see earlier nodes.
    """

    def __init__(
        self,
        channels: int = 32,
        hidden: int = 64,
        head: int = 32,
        refreshes: tuple[int, ...] = (),
        deep: int = 0,
        causal: bool = False,
    ) -> None:
        super().__init__()
        C, H = channels, hidden
        self.channels, self.hidden, self.refreshes = C, H, refreshes
        self.quantise = False
        self.dtype = torch.float32

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
        self.conv_d = nn.ParameterList([weight(27 * C, C, fan=40 * C) for _ in range(deep)])
        self.bias_d = nn.ParameterList([torch.zeros(C) for _ in range(deep)])
        self.own = weight(8, C, fan=16)
        self.own_bias = nn.Parameter(torch.zeros(C))
        self.latent_in = weight(C, 8 * H, fan=C)
        self.known_in = nn.ParameterList([torch.randn(27 * s, H) * 0.12 for s in range(8)])
        self.bias_in = nn.Parameter(torch.zeros(8, H))
        self.middle = weight(8, H, head, fan=H)
        self.bias_middle = nn.Parameter(torch.zeros(8, head))
        self.out = weight(8, head, fan=head)
        self.bias_out = nn.Parameter(torch.zeros(8))
        self.conv_r = nn.ParameterList([weight(27 * C, C, fan=20 * C) for _ in refreshes])
        self.bias_r = nn.ParameterList([torch.zeros(C) for _ in refreshes])
        self.own_r = nn.ParameterList([weight(s, C, fan=16) for s in refreshes])
        self.own_bias_r = nn.ParameterList([torch.zeros(C) for _ in refreshes])
        self.near = nn.Parameter(torch.zeros(8, 3, 27, H)) if causal else None
        self.far = nn.Parameter(torch.zeros(8, 2, len(FAR_FIRST), H)) if causal else None

    def w(self, x: Tensor) -> Tensor:
        """Weights as they will be stored, in the type that is computed in."""
        return (round_through(x * WEIGHT_SCALE) / WEIGHT_SCALE if self.quantise else x).to(self.dtype)

    def b(self, x: Tensor) -> Tensor:
        """Biases as they will be stored."""
        scale = WEIGHT_SCALE * ACTIVATION_SCALE
        return (round_through(x * scale) / scale if self.quantise else x).to(self.dtype)

    def act(self, x: Tensor) -> Tensor:
        """ReLU clipped to the integer range, rounded when quantising."""
        x = hardtanh(x, 0.0, ACTIVATION_MAX / ACTIVATION_SCALE)
        return round_through(x * ACTIVATION_SCALE) / ACTIVATION_SCALE if self.quantise else x

    def forward(
        self,
        parents: Tensor,  # [m, C] latents of the level above
        parent: Tensor,  # [b]
        octant: Tensor,  # [b]
        table: Tensor,  # [b, 27], b where absent
        density: Tensor,  # [b] class
        occupancy: Tensor,  # [b] bytes
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [b, 8], latents [b, C], and the logits [b, 8] before a causal network has seen earlier nodes."""
        b, C, H = len(parent), self.channels, self.hidden
        up = (parents.to(self.dtype) @ self.w(self.up)).reshape(-1, C)
        f = self.act(up.index_select(0, parent * 8 + octant) + self.b(self.up_bias).index_select(0, octant))
        exist = (table < b).to(self.dtype)
        there = exist @ self.w(torch.cat([self.exist1, self.exist2], 1))
        f = SparseConv27.apply(f, table, self.w(self.conv1)) + there[:, :C]
        f = self.act(f + self.b(self.density).index_select(0, density))
        f = self.act(f + SparseConv27.apply(f, table, self.w(self.conv2)) + there[:, C:] + self.b(self.bias2))
        for conv, bias in zip(self.conv_d, self.bias_d, strict=True):
            f = self.act(f + SparseConv27.apply(f, table, self.w(conv)) + self.b(bias))
        own = ((occupancy[:, None] >> torch.arange(8, device=occupancy.device)) & 1).to(self.dtype)
        runs = list(itertools.pairwise((0, *self.refreshes, 8)))
        # Split, not sliced: the gradient of a slice is a whole array of zeros.
        widths = [(last - first) * H for first, last in runs]
        around = (self._around(own, table) + self.b(self.bias_in).reshape(-1)).split(widths, 1)
        latent_in = self.w(self.latent_in).split(widths, 1)
        sums = []
        for (first, _), weight, rest in zip(runs, latent_in, around, strict=True):
            if first:
                r = self.refreshes.index(first)
                f = self.act(f + own[:, :first] @ self.w(self.own_r[r]) + self.b(self.own_bias_r[r]))
                f = self.act(f + SparseConv27.apply(f, table, self.w(self.conv_r[r])) + self.b(self.bias_r[r]))
            sums.append(f @ weight + rest)
        before = torch.cat(sums, 1)
        logits = base = self._top(before)
        if self.near is not None:
            logits = self._top(before + self._beside(own, base.detach(), table))
        latent = self.act(f + own @ self.w(self.own) + self.b(self.own_bias))
        return logits, latent, base

    def _top(self, sums: Tensor) -> Tensor:
        """Logits [b, 8] from the sums [b, 8 H] of the hidden units."""
        logits = []
        for s, h in enumerate(self.act(sums).split(self.hidden, 1)):
            h = self.act(h @ self.w(self.middle[s]) + self.b(self.bias_middle[s]))
            logits.append(h.float() @ self.w(self.out[s]).float() + self.b(self.bias_out[s]))
        return torch.stack(logits, 1)

    def _around(self, own: Tensor, table: Tensor) -> Tensor:
        """What the octants before each stage of the 27 nodes around add to its hidden units [b, 8 H]."""
        parts = []
        for s in range(0, 8, 2):
            # Two stages at a time; the earlier of the two does not see its own octant.
            first = self.known_in[s].reshape(s, 27, self.hidden)
            second = self.known_in[s + 1].reshape(s + 1, 27, self.hidden)
            weight = torch.cat([pad(first, (0, 0, 0, 0, 0, 1)), second], 2).transpose(0, 1)
            weight = weight.reshape(27 * (s + 1), 2 * self.hidden)
            parts.append(SparseConv27.apply(own[:, : s + 1].contiguous(), table, self.w(weight)))
        return torch.cat(parts, 1)

    def _beside(self, own: Tensor, base: Tensor, table: Tensor) -> Tensor:
        """What each stage's octant in the nodes around that come earlier adds to its hidden units [b, 8 H].

        Rows of `near` [8, 3, 27, H]: an empty octant, a full one, surprise; of `far` [8, 2, 98, H]: the last two.
        """
        b = len(own)
        expected = torch.sigmoid(torch.floor(base * 256 + 0.5) / 256)  # of the logit as the coder has it
        surprise = torch.floor((own - expected) * ACTIVATION_SCALE + 0.5) / ACTIVATION_SCALE
        # The last octant of a node without children so far is never coded.
        surprise[:, 7] *= own[:, :7].sum(1) > 0
        table, further = (_earlier(t) for t in (table, _further(table)))
        there = (table < b).to(own.dtype)
        bits, wonder = (pad(x, (0, 0, 0, 1)).T.contiguous() for x in (own, surprise.to(own.dtype)))
        near, far = self.w(self.near).flatten(1, 2), self.w(self.far).flatten(1, 2)
        parts = []
        for s in range(8):
            full = bits[s].take(table)
            seen = (there - full, full, wonder[s].take(table), bits[s].take(further), wonder[s].take(further))
            parts.append(torch.cat(seen, 1) @ torch.cat([near[s], far[s]]))
        return torch.cat(parts, 1)


def _earlier(table: Tensor) -> Tensor:
    """`table` [b, K] with those that come later absent (b)."""
    b = len(table)
    return torch.where(table < torch.arange(b, device=table.device)[:, None], table, b)


def _further(table: Tensor) -> Tensor:
    """The nodes two steps away [b, 98], by way of the one that is nearest to half way; b where either is absent."""
    by = pad(table, (0, 0, 0, 1), value=len(table))
    first, second = (torch.from_numpy(x).to(table.device) for x in (FAR_FIRST, FAR_SECOND))
    return by[table[:, first], second[None]]
