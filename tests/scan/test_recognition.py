from __future__ import annotations

from pathlib import Path

import numpy as np

from geo3d.io import open_rgbd
from geo3d.registration.frames import describe_frame
from geo3d.scan.recognition import similarity


def test_neighbours_look_more_alike_than_distant_views(samples: Path) -> None:
    dataset = open_rgbd(samples / "box_desk")
    last = len(dataset) - 1
    order = [0, 1, last - 1, last]
    alike = similarity([describe_frame(dataset.load(i), 0.01) for i in order])
    assert np.allclose(alike, alike.T)
    assert np.allclose(np.diag(alike), 1)
    assert alike[0, 1] > max(alike[0, 2], alike[0, 3], alike[1, 2], alike[1, 3])
