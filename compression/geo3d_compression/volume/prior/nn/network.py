"""The volume prior with the quantisation of its integer form (`prior.state` runs the integers).

b - windows; c - channels; h, w - height and width of a window; i - inputs of a voxel.  All inputs and activations are
integers / 32, activations from 0 to 255 / 32; weights are integers / 256 once `quantise` is set.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from geo3d_compression.octree.nn.network import round_through
from geo3d_compression.volume.prior.features import PLANES
from geo3d_compression.volume.prior.state import ACTIVATION_MAX, ACTIVATION_SCALE, WEIGHT_SCALE


class PriorNetwork(nn.Module):
    """Shift and log2 of the scale of a voxel, relative to the mixture's blend."""

    def __init__(self, inputs: int, channels: int = 16, features: int = 16, hidden: int = 32, head: int = 24) -> None:
        super().__init__()
        C, F = channels, features
        self.quantise = False
        self.channels = channels

        def weight(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape) * (1.0 / fan) ** 0.5)

        self.gate = weight(2 * C, PLANES + C, 3, 3, fan=9 * (PLANES + C))
        self.gate_bias = nn.Parameter(torch.cat([torch.full((C,), -0.5), torch.full((C,), 0.3)]))
        self.spread = weight(F, C, 3, 3, fan=9 * C)
        self.spread_bias = nn.Parameter(torch.full((F,), 0.2))
        self.first = weight(inputs + F, hidden, fan=inputs + F)
        self.first_bias = nn.Parameter(torch.full((hidden,), 0.1))
        self.second = weight(hidden, head, fan=hidden)
        self.second_bias = nn.Parameter(torch.full((head,), 0.1))
        self.out = nn.Parameter(torch.randn(head, 2) * 0.02)
        self.out_bias = nn.Parameter(torch.zeros(2))

    def update(self, state: Tensor, planes: Tensor) -> Tensor:
        """The state [b, c, h, w] after the slice of `planes` [b, PLANES, h, w]."""
        sums = conv2d(torch.cat([planes, state], 1), self._weight(self.gate), self._bias(self.gate_bias), padding=1)
        gate = self._step(((sums[:, : self.channels] + 2) / 4).clamp(0, 1), 256)
        new = state + (self._activation(sums[:, self.channels :]) - state) * gate
        return self._step(new, ACTIVATION_SCALE)

    def spread_out(self, state: Tensor) -> Tensor:
        """Features [b, h, w, F] of the slice to come."""
        sums = conv2d(state, self._weight(self.spread), self._bias(self.spread_bias), padding=1)
        return self._activation(sums).permute(0, 2, 3, 1)

    def forward(self, inputs: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """(shift, log2 scale) [...] of voxels with `inputs` [..., i] and `features` [..., F]."""
        x = torch.cat([inputs, features], -1)
        x = self._activation(x @ self._weight(self.first) + self._bias(self.first_bias))
        x = self._activation(x @ self._weight(self.second) + self._bias(self.second_bias))
        shift, log = (x @ self._weight(self.out) + self._bias(self.out_bias)).unbind(-1)
        return shift, log

    def _step(self, x: Tensor, scale: int) -> Tensor:
        return round_through(x * scale) / scale if self.quantise else x

    def _weight(self, w: Tensor) -> Tensor:
        return self._step(w, WEIGHT_SCALE)

    def _bias(self, b: Tensor) -> Tensor:
        return self._step(b, WEIGHT_SCALE * ACTIVATION_SCALE)

    def _activation(self, x: Tensor) -> Tensor:
        return self._step(x.clamp(0, ACTIVATION_MAX / ACTIVATION_SCALE), ACTIVATION_SCALE)
