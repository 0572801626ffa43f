"""The learned surface: winding-number normals, a graph network that corrects and turns them, its field, marching."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn
from geo3d.types import TriangleMesh
from geo3d_recon.implicit import extract_surface
from geo3d_recon.learned.ask import ask_in_turn
from geo3d_recon.learned.weights import BUNDLED, load_net
from geo3d_recon.orient import WNNC
from geo3d_recon.samples import Samples
from geo3d_recon.settle import settle
from geo3d_recon.spacing import spacing
from geo3d_recon.support import keep_supported_parts
from geo3d_recon.winding import WindingTree

Floats = NDArray[np.float64]
WINDING_WIDTH = 0.5  # spacings; as in training
_CHUNK = 1024  # queries at a time: what they need then stays in the processor's cache


def learned(samples: Samples, weights: Path = BUNDLED) -> TriangleMesh:
    """A closed surface by the learned field, on given normals or winding-number-consistent ones."""
    import torch

    net = load_net(weights)
    points = samples.points
    if samples.normals is None:
        points, moments = settle(points, WNNC().moments(points))
        h = spacing(points)
    else:
        h = spacing(points)
        moments = samples.normals * h**2
    graph, encoded, moments = ask_in_turn(net, points, moments, h)
    with torch.inference_mode():
        keys = net.query.keys(encoded)
    tree = WindingTree.build(points)

    def winding(queries: Floats) -> Floats:
        return tree.field(moments, queries, WINDING_WIDTH * h)

    def distance(queries: Floats) -> Floats:
        out = np.zeros(len(queries))
        w = winding(queries) - 0.5
        _, near = knn(points, queries, min(net.config.query_neighbours, len(points)))
        with torch.inference_mode():
            for i in range(0, len(queries), _CHUNK):
                part = slice(i, i + _CHUNK)
                q, v = (torch.from_numpy(a.astype(np.float32)) for a in (queries[part] / h, w[part]))
                out[part] = net.query(encoded, graph, q, torch.from_numpy(near[part]), v, keys).numpy()
        return out

    mesh = extract_surface(points, h, distance, winding)
    return keep_supported_parts(mesh, points, h)
