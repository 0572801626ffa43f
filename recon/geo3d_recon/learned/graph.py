"""From points and winding-number moments to the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn, voxelize
from geo3d_recon.openness import free_paths
from geo3d_recon.planes import local_planes
from geo3d_recon.spacing import spacing_at

if TYPE_CHECKING:
    from geo3d_recon.nn.surface_net import Graph

COARSE_CELL = 3.0  # spacings
_PLANE = 10  # neighbours of the plane fit

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cues:
    """What is known of each sample before the network.

    normals  [N, 3] unit, from the winding number
    axes     [N, 3] unit, across the plane of the neighbours, on the normal's side
    area     [N] squared own spacings, in squared spacings of the cloud
    node     [N, NODE] scalars: see `point_cues`
    """

    normals: NDArray[np.float32]
    axes: NDArray[np.float32]
    area: NDArray[np.float32]
    node: NDArray[np.float32]


NODE = 8


def point_cues(points: Floats, moments: Floats, spacing: float) -> Cues:
    """The cues of points [N, 3] whose area-weighted winding-number normals are moments [N, 3].

    node: free paths and escapes to both sides of the axis (4), weight of the moment by area, thickness of the
    neighbourhood (noise or curvature) in spacings, log of the own spacing by the cloud's, cosine of normal and axis.
    """
    local = np.minimum(spacing_at(points), 3 * spacing)
    length = np.linalg.norm(moments, axis=1)
    normals = moments / np.maximum(length, 1e-300)[:, None]
    _, axes, thickness = local_planes(points, _PLANE)
    cosine = (axes * normals).sum(axis=1)
    axes = np.where(cosine[:, None] < 0, -axes, axes)
    node = np.concatenate(
        [
            free_paths(points, axes, local, spacing),
            np.stack([(length / local**2).clip(0, 4), thickness / spacing, np.log(local / spacing), np.abs(cosine)], 1),
        ],
        axis=1,
    )
    f32 = np.float32
    return Cues(normals.astype(f32), axes.astype(f32), (local / spacing).astype(f32) ** 2, node.astype(f32))


def build_graph(points: NDArray[np.floating], cues: Cues, spacing: float, neighbours: int) -> Graph:
    """The network's input of points [N, 3]; lengths divided by `spacing`."""
    import torch

    from geo3d_recon.nn.surface_net import Graph

    p = np.asarray(points, dtype=np.float64) / spacing
    _, fine = knn(p, p, min(neighbours, len(p)))
    grid = voxelize(p, COARSE_CELL)
    centers = np.stack([np.bincount(grid.inverse, c) / grid.counts for c in p.T], -1)
    _, coarse = knn(centers, centers, min(neighbours, len(centers)))

    def floats(a: NDArray[np.floating]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))

    return Graph(
        floats(p),
        floats(cues.normals),
        floats(cues.axes),
        floats(cues.area),
        floats(cues.node),
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
            torch.cat([g.axes for g in graphs]),
            torch.cat([g.area for g in graphs]),
            torch.cat([g.node for g in graphs]),
            torch.cat([g.fine + s for g, s in zip(graphs, starts, strict=False)]),
            torch.cat([g.cell + c for g, c in zip(graphs, cells, strict=False)]),
            torch.cat([g.coarse + c for g, c in zip(graphs, cells, strict=False)]),
        ),
        starts[:-1],
    )
