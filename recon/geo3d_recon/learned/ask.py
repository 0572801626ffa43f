"""Asking the network about samples, again with its own normals.

The network's normals are better than those it was given, so that it is asked again with its own; on thin shells that
takes a quarter off the error of the normals (validation shapes, 3,000 samples: 0.133 to 0.104, a third time 0.096).
Each turn also smooths, and what it says about the samples besides is best of the first turn, whose normals are of the
kind that it was trained on.  Distances of the surface of ten validation shapes from the field, in hundredths of the
longest side: .319 after one turn, .341 after three, .306 with the first turn's features and the third turn's normals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d_recon.learned.graph import build_graph, point_cues

if TYPE_CHECKING:
    from geo3d_recon.nn.surface_net import Encoded, Graph, SurfaceNet

Floats = NDArray[np.float64]
_PASSES = ((2000, 3), (600, 2), (0, 1))  # at least so many samples: so often the network is asked for normals


def passes(points: int) -> int:
    """How often the network is asked about so many samples."""
    return next(count for least, count in _PASSES if points >= least)


def ask(net: SurfaceNet, points: Floats, moments: Floats, spacing: float) -> tuple[Graph, Encoded, Floats]:
    """The network's input, what it makes of it, and its normals weighted by area.

    points [N, 3], moments [N, 3] area-weighted normals, both in one unit; spacing of the points
    """
    import torch

    cues = point_cues(points, moments, spacing)
    graph = build_graph(points, cues, spacing, net.config.neighbours)
    with torch.inference_mode():
        encoded = net.encode(graph)
    normals = encoded.normals.numpy().astype(np.float64)
    return graph, encoded, normals * cues.area[:, None].astype(np.float64) * spacing**2


def ask_in_turn(net: SurfaceNet, points: Floats, moments: Floats, spacing: float) -> tuple[Graph, Encoded, Floats]:
    """What the first turn says of the samples, with the normals of the last."""
    graph, encoded, moments = ask(net, points, moments, spacing)
    normals = encoded.normals
    for _ in range(passes(len(points)) - 1):
        _, again, moments = ask(net, points, moments, spacing)
        normals = again.normals
    return graph, encoded._replace(normals=normals), moments
