"""From oriented points to the network's input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn, voxelize

if TYPE_CHECKING:
    from geo3d_recon.nn.surface_net import Graph

COARSE_CELL = 3.0  # spacings


def build_graph(points: NDArray[np.floating], moments: NDArray[np.floating], spacing: float, neighbours: int) -> Graph:
    """The network's input of points [N, 3] with area-weighted normals [N, 3]; lengths divided by `spacing`."""
    import torch

    from geo3d_recon.nn.surface_net import Graph

    p = np.asarray(points, dtype=np.float64) / spacing
    length = np.linalg.norm(moments, axis=1)
    _, fine = knn(p, p, min(neighbours, len(p)))
    grid = voxelize(p, COARSE_CELL)
    centers = np.stack([np.bincount(grid.inverse, c) / grid.counts for c in p.T], -1)
    _, coarse = knn(centers, centers, min(neighbours, len(centers)))

    def floats(a: NDArray[np.floating]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))

    return Graph(
        floats(p),
        floats(moments / np.maximum(length, 1e-300)[:, None]),
        floats(length / spacing**2),
        torch.from_numpy(fine),
        torch.from_numpy(grid.inverse),
        torch.from_numpy(coarse),
    )


def join_graphs(graphs: list[Graph]) -> tuple[Graph, list[int]]:
    """Several clouds as one disconnected graph, and the index of each cloud's first point.

    Neighbour tables must have equal widths.
    """
    import torch

    from geo3d_recon.nn.surface_net import Graph

    starts = np.cumsum([0] + [len(g.points) for g in graphs]).tolist()
    cells = np.cumsum([0] + [len(g.coarse) for g in graphs]).tolist()
    return (
        Graph(
            torch.cat([g.points for g in graphs]),
            torch.cat([g.normals for g in graphs]),
            torch.cat([g.area for g in graphs]),
            torch.cat([g.fine + s for g, s in zip(graphs, starts, strict=False)]),
            torch.cat([g.cell + c for g, c in zip(graphs, cells, strict=False)]),
            torch.cat([g.coarse + c for g, c in zip(graphs, cells, strict=False)]),
        ),
        starts[:-1],
    )
