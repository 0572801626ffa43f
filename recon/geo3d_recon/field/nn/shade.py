"""The small network that turns features and a viewing direction into a colour."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BASE = 3


class Shade(nn.Module):
    """color = base + MLP(latent, direction): the MLP adds what depends on the direction.  It starts as zero.

    latent  channels beside the three of the base colour
    hidden  width of both hidden layers
    """

    def __init__(self, latent: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(latent + BASE + 8, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, BASE)]
        )
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(
        self,
        features: Tensor,  # [N, 3 + latent]
        directions: Tensor,  # [N, 3], unit
    ) -> Tensor:  # [N, 3]
        x = torch.cat([features, harmonics(directions)], dim=1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return features[:, :BASE] + self.layers[-1](x)


def harmonics(d: Tensor) -> Tensor:
    """[N, 8] real spherical harmonics of degrees 1 and 2, not normalised, of unit directions [N, 3]."""
    x, y, z = d.unbind(dim=1)
    return torch.stack([x, y, z, x * y, y * z, z * x, x * x - y * y, 3 * z * z - 1], dim=1)
