"""Convolution over the 27 nodes around a node, block by block: what is gathered stays in the processor's cache."""

from __future__ import annotations

import torch
from torch import Tensor

# A block's gathered rows (2 MB at 32 channels) stay in cache: four times as fast as all rows at once on a CPU.
_BLOCK_CPU = 512
_BLOCK_GPU = 1 << 16


class SparseConv27(torch.autograd.Function):
    """`out[i] = sum over k of x[table[i, k]] @ weight[k]`, absent neighbours left out.

    x [n, C], table [n, 27] with n where absent, weight [27 C, D] -> [n, D].  The table is symmetric: neighbour k of i
    is j exactly if neighbour 26 - k of j is i.  So the gradient of `x` is a convolution of the same kind.
    """

    @staticmethod
    def forward(ctx, x: Tensor, table: Tensor, weight: Tensor) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(x, table, weight)
        return _convolve(x, table, weight)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, None, Tensor]:  # type: ignore[no-untyped-def, override]
        x, table, weight = ctx.saved_tensors
        C, D = x.shape[1], grad.shape[1]
        grad_x = None
        if ctx.needs_input_grad[0]:
            turned = weight.reshape(27, C, D).flip(0).transpose(1, 2).reshape(27 * D, C)
            grad_x = _convolve(grad, table, turned.contiguous())
        grad_weight = torch.zeros_like(weight)
        for part, rows in _gathered(x, table):
            grad_weight.addmm_(rows.T, grad[part])
        return grad_x, None, grad_weight


def _convolve(x: Tensor, table: Tensor, weight: Tensor) -> Tensor:
    out = x.new_empty(len(table), weight.shape[1])
    for part, rows in _gathered(x, table):
        torch.mm(rows, weight, out=out[part])
    return out


def _gathered(x: Tensor, table: Tensor):  # type: ignore[no-untyped-def]
    """Slices of nodes and their neighbours' rows side by side [block, 27 C]; one buffer serves all."""
    n, C = len(table), x.shape[1]
    size = _BLOCK_CPU if x.device.type == "cpu" else _BLOCK_GPU
    padded = torch.cat([x, x.new_zeros(1, C)])
    buffer = x.new_empty(min(size, n) * 27, C)
    for first in range(0, n, size):
        part = slice(first, min(first + size, n))
        rows = buffer[: 27 * (part.stop - first)]
        torch.index_select(padded, 0, table[part].reshape(-1), out=rows)
        yield part, rows.view(-1, 27 * C)
