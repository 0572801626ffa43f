"""A radiance field on a fused surface, and pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PinholeCamera
from geo3d_recon.field.cameras import FieldCameras, rays_of
from geo3d_recon.field.shells import SPREAD, Shells
from geo3d_recon.field.sparse_grid import SparseGrid
from geo3d_recon.field.surface import Surface
from geo3d_recon.field.tables import gather

if TYPE_CHECKING:
    from geo3d_recon.field.nn.shade import Shade

Floats = NDArray[np.float32]
_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False)
class Layer:
    """A sparse grid and a row of features for each of its corners, [V, F] float32."""

    grid: SparseGrid
    table: Floats

    def filled(self, places: NDArray[np.floating]) -> Floats:
        """[N, F] features at places [N, 3]; those of the nearest corner where no training ray has been."""
        rows, weights = self.grid.lookup(places)
        values: Floats = gather(self.table, rows, weights)
        lost = weights.sum(axis=1) == 0
        if lost.any():
            at = (np.asarray(places)[lost] - self.grid.origin) / self.grid.cell
            values[lost] = self.table[self._tree.query(at)[1]]
        return values

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.grid.coords)


@dataclass(frozen=True, eq=False)
class RadianceField:
    """Colour on a surface, by direction, and beyond it.

    A ray that hits the surface takes one sample there: base colour from `fine` and `coarse`, latent features from
    `coarse`, and what depends on the direction from `shade`.  A ray that hits nothing blends one sample of each sphere
    of `shells`, front to back.

    fine    [V, 3] additions to the base colour, cells of about a pixel
    coarse  [V, 3 + latent] base colour and latent features, wider cells
    far     [V, 4] colour and opacity (logit) on the spheres
    error   root of the mean squared difference from the training pictures, colours from 0 to 1
    """

    surface: Surface
    fine: Layer
    coarse: Layer
    shells: Shells
    far: Layer
    shade: Shade
    cameras: FieldCameras
    error: float = 0.02

    def render(
        self, camera: PinholeCamera, T_world_color: NDArray[np.float64], gain: NDArray[np.float64] | None = None,
        supersample: int = 1,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """(colour [H, W, 3] from 0 to 1, depth [H, W] metres, 0 = beyond the surface) of a camera without distortion.

        supersample  rays along each side of a pixel
        """
        s = supersample
        v, u = np.mgrid[0 : camera.height * s, 0 : camera.width * s].reshape(2, -1)
        u, v = (u + 0.5) / s - 0.5, (v + 0.5) / s - 0.5
        colors, depths = np.zeros((len(u), 3), np.float32), np.zeros(len(u), np.float32)
        for first in range(0, len(u), _CHUNK):
            part = slice(first, first + _CHUNK)
            colors[part], depths[part] = self.trace(*rays_of(camera, T_world_color, u[part], v[part]))
        if gain is not None:
            colors *= gain.astype(np.float32)
        shape = (camera.height, s, camera.width, s)
        image = colors.clip(0, 1).reshape(*shape, 3).mean(axis=(1, 3))
        return image, depths.reshape(*shape)[:, s // 2, :, s // 2]

    def trace(self, origins: NDArray[np.floating], directions: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """(colours [N, 3], hit distances [N] in `directions`, 0 = none) of rays [N, 3]."""
        import torch

        t = self.surface.cast(origins, directions)
        hit = np.isfinite(t)
        colors = np.zeros((len(t), 3), np.float32)
        with torch.inference_mode():
            if hit.any():
                places = origins[hit] + directions[hit] * t[hit, None]
                features = self._features(places)
                colors[hit] = self.shade(torch.from_numpy(features), unit(directions[hit])).numpy()
            if not hit.all():
                places = self.shells.places(origins[~hit], directions[~hit]).reshape(-1, 3)
                samples = self.far.filled(places).reshape(-1, len(SPREAD), 4)
                colors[~hit] = blend(torch.from_numpy(samples)).numpy()
        return colors, np.where(hit, t, 0).astype(np.float32)

    def base_colors(self, places: NDArray[np.floating]) -> NDArray[np.uint8]:
        """[N, 3] RGB at points of the surface, without what depends on the direction."""
        return np.rint(255 * self._features(places)[:, :3].clip(0, 1)).astype(np.uint8)

    def _features(self, places: NDArray[np.floating]) -> Floats:
        features = self.coarse.filled(places)
        features[:, :3] += gather(self.fine.table, *self.fine.grid.lookup(places))
        return np.asarray(features)


def unit(directions: NDArray[np.floating]) -> Any:
    """Unit directions [N, 3] as a float32 tensor."""
    import torch

    d = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return torch.from_numpy(d.astype(np.float32))


def sample_far(
    shells: Shells, far: Layer, origins: NDArray[np.floating], directions: NDArray[np.floating]
) -> tuple[Floats, NDArray[np.int32], Floats]:
    """Samples [N, S, 4] of the spheres, and the rows and weights [N * S, 8] that they come from."""
    places = shells.places(origins, directions).reshape(-1, 3)
    rows, weights = far.grid.lookup(places)
    return gather(far.table, rows, weights).reshape(-1, len(SPREAD), 4), rows, weights


def blend(samples: Any) -> Any:
    """[N, 3] colours of samples [N, S, 4], near to far, blended by their opacity; the last one is opaque."""
    import torch

    alpha = torch.sigmoid(samples[..., 3])
    alpha = torch.cat([alpha[:, :-1], torch.ones_like(alpha[:, -1:])], dim=1)
    through = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1]], dim=1), dim=1)
    return (samples[..., :3] * (alpha * through)[..., None]).sum(dim=1)
