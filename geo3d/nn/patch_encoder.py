"""A small CNN over square patches cut around points."""

from __future__ import annotations

from torch import Tensor, nn


class PatchEncoder(nn.Module):
    """[N, C, 16, 16] patches -> [N, width].

    Three strided convolutions down to 2 x 2, then one linear layer that keeps where things are in the patch.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * 48, width),
        )

    def forward(self, patches: Tensor) -> Tensor:
        return self.layers(patches)
