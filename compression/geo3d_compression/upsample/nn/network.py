"""The up-sampling network with the quantisation of its integer form (`upsample.network` runs the integers).

    parents:  existence, occupancy --> g0 --conv27--> g1 --conv27 + g1--> g2 --+ (by octant)
                                                                              v
    cells:    existence ------------> f0 --conv27--------------------------> f1 --conv27 + f1--> f2 --conv27 + f2--> f3
                                                                                                                   |
    voxels:   place in the cell (a table an axis) ------------> 64 - 32 - logit of being occupied <----------------+

Activations are integers / 32 in [0, 255 / 32], weights integers / 256, as in the octree network.

b - cells; p - their parents; m - voxels asked for; C - channels; H, K - hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geo3d_compression.octree.integers import ACTIVATION_MAX, ACTIVATION_SCALE, WEIGHT_SCALE
from geo3d_compression.octree.nn.network import round_through
from geo3d_compression.octree.nn.sparse_conv import SparseConv27
from geo3d_compression.upsample.classes import DENSITY_CLASSES, SCALE_CLASSES
from geo3d_compression.upsample.lattice import PHASES


class UpsampleNetwork(nn.Module):
    """Logits of voxels inside the cells of a coarse lattice."""

    def __init__(self, channels: int = 32, hidden: int = 64, head: int = 32) -> None:
        super().__init__()
        C, H = channels, hidden
        self.quantise = False

        def weight(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape) * (1.4 / fan) ** 0.5)

        self.exist_parent = weight(27, C, fan=12)
        self.own = weight(8, C, fan=12)
        self.parent_bias = nn.Parameter(torch.zeros(C))
        self.parent_scale = nn.Parameter(torch.zeros(SCALE_CLASSES, C))
        self.parent_density = nn.Parameter(torch.zeros(DENSITY_CLASSES, C))
        self.parent_conv1 = weight(27 * C, C, fan=12 * C)
        self.parent_bias1 = nn.Parameter(torch.zeros(C))
        self.parent_conv2 = weight(27 * C, C, fan=24 * C)
        self.parent_bias2 = nn.Parameter(torch.zeros(C))
        self.exist = weight(27, C, fan=12)
        self.scale = nn.Parameter(torch.zeros(SCALE_CLASSES, C))
        self.density = nn.Parameter(torch.zeros(DENSITY_CLASSES, C))
        self.conv1 = weight(27 * C, C, fan=12 * C)
        self.down = weight(8 * C, C, fan=C)
        self.bias1 = nn.Parameter(torch.zeros(C))
        self.conv2 = weight(27 * C, C, fan=24 * C)
        self.bias2 = nn.Parameter(torch.zeros(C))
        self.conv3 = weight(27 * C, C, fan=24 * C)
        self.bias3 = nn.Parameter(torch.zeros(C))
        self.cell_in = weight(C, H, fan=C)
        ramp = (torch.arange(PHASES) + 0.5) / PHASES - 0.5
        self.place = nn.Parameter(torch.randn(3, 1, H) * 1.5 * ramp[None, :, None])
        self.scale_in = nn.Parameter(torch.zeros(SCALE_CLASSES, H))
        self.middle = weight(H, head, fan=H)
        self.bias_middle = nn.Parameter(torch.zeros(head))
        self.out = weight(head, 1, fan=head)
        self.bias_out = nn.Parameter(torch.zeros(1))

    def w(self, x: Tensor) -> Tensor:
        """Weights as they will be stored."""
        return round_through(x * WEIGHT_SCALE) / WEIGHT_SCALE if self.quantise else x

    def b(self, x: Tensor) -> Tensor:
        """Biases, and tables that are added to sums, as they will be stored."""
        scale = WEIGHT_SCALE * ACTIVATION_SCALE
        return round_through(x * scale) / scale if self.quantise else x

    def act(self, x: Tensor) -> Tensor:
        """ReLU clipped to the integer range, rounded when quantising."""
        x = x.clamp(0, ACTIVATION_MAX / ACTIVATION_SCALE)
        return round_through(x * ACTIVATION_SCALE) / ACTIVATION_SCALE if self.quantise else x

    def forward(
        self,
        parent_table: Tensor,  # [p, 27], p where absent
        occupancy: Tensor,  # [p] bytes
        table: Tensor,  # [b, 27], b where absent
        parent: Tensor,  # [b]
        octant: Tensor,  # [b]
        scale: int,  # class
        density: int,  # class
        owner: Tensor,  # [m] cell of each voxel
        phases: Tensor,  # [m, 3]
    ) -> Tensor:
        """Logits [m]."""
        p, b, C = len(occupancy), len(table), self.exist.shape[1]
        bits = ((occupancy[:, None] >> torch.arange(8)) & 1).to(self.exist.dtype)
        g = self.act(
            (parent_table < p).to(bits.dtype) @ self.b(self.exist_parent) + bits @ self.b(self.own)
            + self.b(self.parent_bias) + self.b(self.parent_scale)[scale] + self.b(self.parent_density)[density]
        )  # fmt: skip
        g = self.act(SparseConv27.apply(g, parent_table, self.w(self.parent_conv1)) + self.b(self.parent_bias1))
        g = self.act(g + SparseConv27.apply(g, parent_table, self.w(self.parent_conv2)) + self.b(self.parent_bias2))
        f = self.act(
            (table < b).to(bits.dtype) @ self.b(self.exist) + self.b(self.scale)[scale] + self.b(self.density)[density]
        )
        down = (g @ self.w(self.down).reshape(8, C, C).permute(1, 0, 2).reshape(C, 8 * C)).reshape(-1, C)
        f = self.act(
            SparseConv27.apply(f, table, self.w(self.conv1)) + down.index_select(0, parent * 8 + octant)
            + self.b(self.bias1)
        )  # fmt: skip
        f = self.act(f + SparseConv27.apply(f, table, self.w(self.conv2)) + self.b(self.bias2))
        f = self.act(f + SparseConv27.apply(f, table, self.w(self.conv3)) + self.b(self.bias3))
        h = (f @ self.w(self.cell_in) + self.b(self.scale_in)[scale]).index_select(0, owner)
        place = self.b(self.place)
        for axis in range(3):
            h = h + place[axis].index_select(0, phases[:, axis])
        h = self.act(self.act(h) @ self.w(self.middle) + self.b(self.bias_middle))
        return (h @ self.w(self.out) + self.b(self.bias_out))[:, 0]
