"""From points and winding-number moments to the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn, voxelize
from geo3d_recon.openness import free_paths
from geo3d_recon.planes import planes_of
from geo3d_recon.spacing import spacing_at

if TYPE_CHECKING:
    import torch

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


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the places of the samples say without any normals; every turn of `ask` shares it.

    near       [N, K] nearest samples, itself first
    local      [N] own spacings, at most three of the cloud's
    axes       [N, 3] unit, across the plane of the neighbours, either sign
    thickness  [N] of the neighbourhood across that plane
    paths      [N, 4] `free_paths` to the axis' side and the other
    """

    near: NDArray[np.int64]
    local: Floats
    axes: Floats
    thickness: Floats
    paths: NDArray[np.float32]

    @staticmethod
    def of(points: Floats, spacing: float, neighbours: int = _PLANE) -> Surroundings:
        """The surroundings of points [N, 3], with at least so many neighbours each."""
        _, near = knn(points, points, min(max(_PLANE, neighbours), len(points)))
        local = np.minimum(spacing_at(points), 3 * spacing)
        _, axes, thickness = planes_of(points, near[:, :_PLANE])
        return Surroundings(near, local, axes, thickness, free_paths(points, axes, local, spacing))


def point_cues(around: Surroundings, moments: Floats, spacing: float) -> Cues:
    """The cues of samples whose area-weighted winding-number normals are moments [N, 3].

    node: free paths and escapes to both sides of the axis (4), weight of the moment by area, thickness of the
    neighbourhood (noise or curvature) in spacings, log of the own spacing by the cloud's, cosine of normal and axis.
    """
    local = around.local
    length = np.linalg.norm(moments, axis=1)
    normals = moments / np.maximum(length, 1e-300)[:, None]
    cosine = (around.axes * normals).sum(axis=1)
    turn = cosine[:, None] < 0
    axes = np.where(turn, -around.axes, around.axes)
    weight, thickness = (length / local**2).clip(0, 4), around.thickness / spacing
    node = np.concatenate(
        [
            np.where(turn, around.paths[:, [1, 0, 3, 2]], around.paths),
            np.stack([weight, thickness, np.log(local / spacing), np.abs(cosine)], axis=1),
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

    return Graph(
        _floats(p),
        _floats(cues.normals),
        _floats(cues.axes),
        _floats(cues.area),
        _floats(cues.node),
        torch.from_numpy(fine),
        torch.from_numpy(grid.inverse),
        torch.from_numpy(coarse),
    )


def with_cues(graph: Graph, cues: Cues) -> Graph:
    """The same samples with other normals."""
    return graph._replace(normals=_floats(cues.normals), axes=_floats(cues.axes), node=_floats(cues.node))


def _floats(a: NDArray[np.floating]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))


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
