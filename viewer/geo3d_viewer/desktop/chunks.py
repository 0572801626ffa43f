"""A large cloud on the graphics card, cube by cube, each as finely as it is worth from where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud
from geo3d_viewer.coloring import layer_point_colors
from geo3d_viewer.desktop.state import Cut, clipped_cloud
from geo3d_viewer.lod import thinned_cloud
from geo3d_viewer.octree import Octree
from geo3d_viewer.palette import Legend
from geo3d_viewer.scene import PointLayer

_SAMPLE = 200_000


@dataclass(frozen=True, eq=False)
class Look:
    """How the points of a layer are drawn; another object stands for another look."""

    layer: PointLayer
    cut: Cut | None
    material: Any


class Chunks:
    """The cubes of one layer in one Open3D scene.

    `aim` says what is wanted, `step` comes one cube closer to it: the window takes steps while it has time, so
    that it answers meanwhile.
    """

    def __init__(self, scene: Any, name: str, tree: Octree, centre: NDArray[np.float64], up: NDArray[np.float64]):
        self._scene, self._name, self.tree, self._centre, self._up = scene, name, tree, centre, up
        cubes = len(tree.counts)
        self._wanted = np.zeros(cubes, dtype=np.int64)
        self._has = np.zeros(cubes, dtype=np.int64)
        self._is_on_card = np.zeros(cubes, dtype=np.bool_)
        self._looks: list[Look | None] = [None] * cubes
        self._look: Look | None = None
        self._queue: list[int] = []
        self._sample = thinned_cloud(tree.cloud, _SAMPLE)

    @property
    def drawn(self) -> PointCloud:
        """The points that are on the screen, or about to be."""
        index = [np.arange(s, s + n) for s, n in zip(self.tree.starts[:-1], self._wanted, strict=True)]
        return self.tree.cloud[np.concatenate([np.zeros(0, np.int64), *index])]

    def aim(self, wanted: NDArray[np.int64], look: Look) -> Legend | None:
        """Set how many points of each cube are to be drawn, and how; return the legend of their colours."""
        self._wanted, self._look = wanted, look
        is_due = [n != h or (n and k is not look) for n, h, k in zip(wanted, self._has, self._looks, strict=True)]
        due = np.flatnonzero(is_due)
        # The largest gain last, where it is taken from.
        self._queue = due[np.argsort(wanted[due] - self._has[due], kind="stable")].tolist()
        return layer_point_colors(look.layer, self._up, self._sample)[1]

    def step(self) -> bool:
        """Draw one cube anew; False if all is as it should be."""
        if not self._queue or self._look is None:
            return False
        cube = self._queue.pop()
        name = f"{self._name}#{cube}"
        if self._is_on_card[cube]:
            self._scene.remove_geometry(name)
        self._has[cube], self._looks[cube] = self._wanted[cube], self._look
        part = self.tree.part(cube, int(self._has[cube]))
        if self._look.cut is not None:
            part = clipped_cloud(part, self._look.cut)
        self._is_on_card[cube] = len(part) > 0
        if len(part):
            colors, _ = layer_point_colors(self._look.layer, self._up, part, self._sample)
            self._scene.add_geometry(name, to_cloud(part.points, colors, self._centre), self._look.material)
        return True

    def show(self, is_visible: bool) -> None:
        """Show or hide what is on the card."""
        for cube in np.flatnonzero(self._is_on_card):
            self._scene.show_geometry(f"{self._name}#{cube}", is_visible)
        if not is_visible:
            self._queue = []

    def remove(self) -> None:
        """Take everything off the card."""
        for cube in np.flatnonzero(self._is_on_card):
            self._scene.remove_geometry(f"{self._name}#{cube}")
        self._is_on_card[:] = False
        self._has[:] = 0
        self._queue = []


def to_cloud(points: NDArray[Any], colors: NDArray[np.uint8], centre: NDArray[np.float64]) -> Any:
    """An Open3D cloud of points [N, 3] relative to `centre`, with colours [N, 3]."""
    import open3d as o3d

    cloud = o3d.t.geometry.PointCloud(o3d.core.Tensor.from_numpy((points - centre).astype(np.float32)))
    cloud.point.colors = o3d.core.Tensor.from_numpy(colors.astype(np.float32) / 255)
    return cloud
