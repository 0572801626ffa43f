"""A large cloud on the graphics card, cube by cube, each as finely as it is worth from where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud
from geo3d_viewer.coloring import layer_point_colors
from geo3d_viewer.desktop.state import Cut, clipped_cloud
from geo3d_viewer.lod import FIRST_POINTS, thinned_cloud
from geo3d_viewer.octree import Octree
from geo3d_viewer.palette import Legend
from geo3d_viewer.scene import PointLayer

_SAMPLE = 200_000


@dataclass(frozen=True, eq=False)
class Look:
    """How the points of a layer are drawn, and how its coarse stand-in; another object stands for another look."""

    layer: PointLayer
    cut: Cut | None
    material: Any
    coarse_material: Any


class Chunks:
    """The cubes of one layer in one Open3D scene.

    `aim` says what is wanted, `step` comes one cube closer to it: the window takes steps while it has time, so
    that it answers meanwhile.  `move` has few wide points stand for all cubes while the camera moves.
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
        self._is_visible, self._is_moving = True, False
        self._coarse_look: Look | None = None

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
        self._is_on_card[cube] = self._add(name, part, self._look, self._look.material)
        return True

    def _add(self, name: str, part: PointCloud, look: Look, material: Any) -> bool:
        if look.cut is not None:
            part = clipped_cloud(part, look.cut)
        if len(part):
            colors, _ = layer_point_colors(look.layer, self._up, part, self._sample)
            self._scene.add_geometry(name, to_cloud(part.points, colors, self._centre), material)
        return len(part) > 0

    def move(self, is_moving: bool) -> None:
        """Have the stand-in drawn, or the cubes again."""
        if is_moving != self._is_moving:
            self._is_moving = is_moving
            self._show()

    def show(self, is_visible: bool) -> None:
        """Show or hide what is on the card."""
        if is_visible != self._is_visible:
            self._is_visible = is_visible
            self._show()
        if not is_visible:
            self._queue = []

    def _show(self) -> None:
        is_coarse = self._is_visible and self._is_moving
        if is_coarse and self._look is not None and self._coarse_look is not self._look:
            self._drop_coarse()
            coarse = thinned_cloud(self.tree.cloud, FIRST_POINTS)
            if self._add(self._coarse_name, coarse, self._look, self._look.coarse_material):
                self._coarse_look = self._look
        elif self._coarse_look is not None:
            self._scene.show_geometry(self._coarse_name, is_coarse)
        for cube in np.flatnonzero(self._is_on_card):
            self._scene.show_geometry(f"{self._name}#{cube}", self._is_visible and not self._is_moving)

    @property
    def _coarse_name(self) -> str:
        return f"{self._name}#coarse"

    def _drop_coarse(self) -> None:
        if self._coarse_look is not None:
            self._scene.remove_geometry(self._coarse_name)
        self._coarse_look = None

    def remove(self) -> None:
        """Take everything off the card."""
        for cube in np.flatnonzero(self._is_on_card):
            self._scene.remove_geometry(f"{self._name}#{cube}")
        self._drop_coarse()
        self._is_on_card[:] = False
        self._has[:] = 0
        self._queue = []


def to_cloud(points: NDArray[Any], colors: NDArray[np.uint8], centre: NDArray[np.float64]) -> Any:
    """An Open3D cloud of points [N, 3] relative to `centre`, with colours [N, 3]."""
    import open3d as o3d

    cloud = o3d.t.geometry.PointCloud(o3d.core.Tensor.from_numpy((points - centre).astype(np.float32)))
    cloud.point.colors = o3d.core.Tensor.from_numpy(colors.astype(np.float32) / 255)
    return cloud
