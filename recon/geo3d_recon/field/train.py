"""Training of a radiance field: random pixels, one sample a ray, and cameras corrected in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_recon.field.allocate import allocate
from geo3d_recon.field.calibrate import calibrate
from geo3d_recon.field.cameras import FieldCameras
from geo3d_recon.field.model import RadianceField, blend, sample_far, unit
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.pictures import Pictures
from geo3d_recon.field.refine import refine
from geo3d_recon.field.surface import Surface
from geo3d_recon.field.tables import SparseAdam, gather

_FINE_RATE = 0.01
_COARSE_RATE = 0.01
_LATENT_RATE = 0.01
_FAR_RATE = 0.02
_OPACITY_RATE = 0.05
_NET_RATE = 2e-3
_LAST = 0.03
# Parts of the training after which the cameras are corrected.
_CORRECTIONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5)

Progress = Callable[[float, float], None]


def train_field(
    pictures: Pictures, surface: Surface, options: FieldOptions | None = None, progress: Progress | None = None,
    start: float | None = None,
) -> RadianceField:  # fmt: skip
    """Fit a field to pictures of a surface.

    progress  called now and then with (part done, loss)
    start     what the options' clock said when the work began (default: it begins now)
    """
    import torch

    from geo3d_recon.field.nn.shade import Shade

    options = options or FieldOptions()
    start = options.clock() if start is None else start
    rng = np.random.default_rng(options.seed)
    cameras = _first_cameras(pictures, options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        shade = Shade(options.latent, options.hidden)
    field = _field(pictures, cameras, surface, shade, options)
    corrections = list(_CORRECTIONS) if options.refine else []
    trainer = Trainer(field, pictures, options)
    done, smooth, traced = 0.0, 0.0, 0
    while done < 1:
        if corrections and done >= corrections[0]:
            early = corrections.pop(0) < 0.08
            field = replace(trainer.field, cameras=refine(trainer.field, pictures, rng))
            if early:
                # Colours averaged through better cameras are better than colours trained through worse ones.
                field = _field(pictures, field.cameras, surface, shade, options)
            trainer = Trainer(field, pictures, options)
        loss = trainer.step(rng, _LAST**done)
        traced += options.batch
        smooth += (0.05 if smooth else 1.0) * (loss - smooth)
        if options.rays is not None:
            done = traced / options.rays
        else:
            done = (options.clock() - start) / (60 * options.minutes)
        if progress is not None:
            progress(min(done, 1.0), smooth)
    # The loss is half the squared error, summed over three channels.
    return replace(trainer.field, error=max(float(np.sqrt(smooth * 2 / 3)), 1e-3))


def _first_cameras(pictures: Pictures, options: FieldOptions) -> FieldCameras:
    T, camera = np.eye(4), pictures.camera
    if options.calibrate:
        found = calibrate(pictures, options.seed)
        T, camera = found.T_color_camera, found.camera
    many = np.repeat(T[None], len(pictures), axis=0)
    return FieldCameras(camera, pictures.T_world_camera, many, np.ones((len(pictures), 3)), pictures.times)


def _field(
    pictures: Pictures, cameras: FieldCameras, surface: Surface, shade: Any, options: FieldOptions
) -> RadianceField:
    layers = allocate(pictures, cameras, surface, options)
    return RadianceField(surface, layers.fine, layers.coarse, layers.shells, layers.far, shade, cameras)


class Trainer:
    """The optimisers of a field's tables and network."""

    def __init__(self, field: RadianceField, pictures: Pictures, options: FieldOptions) -> None:
        import torch

        self.field = field
        self._pictures = pictures
        self._batch = options.batch
        self._poses = field.cameras.T_world_color()
        self._fine = SparseAdam.of(field.fine.table)
        self._coarse = SparseAdam.of(field.coarse.table)
        self._far = SparseAdam.of(field.far.table)
        self._net = torch.optim.Adam(field.shade.parameters(), lr=_NET_RATE)
        latent = field.coarse.table.shape[1] - 3
        self._coarse_rates = np.array([_COARSE_RATE] * 3 + [_LATENT_RATE] * latent, np.float32)
        self._far_rates = np.array([_FAR_RATE] * 3 + [_OPACITY_RATE], np.float32)

    def step(self, rng: np.random.Generator, rate: float) -> float:
        """One step on random pixels with all learning rates times `rate`; the mean squared error."""
        o, d, target, gain = self._rays(rng)
        t = self.field.surface.cast(o, d)
        hit = np.isfinite(t)
        loss = 0.0
        if hit.any():
            loss += self._step_near(o[hit] + d[hit] * t[hit, None], d[hit], target[hit], gain[hit], rate)
        if not hit.all():
            loss += self._step_far(o[~hit], d[~hit], target[~hit], gain[~hit], rate)
        return loss / len(o)

    def _rays(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
        p, camera, n = self._pictures, self.field.cameras.camera, self._batch
        h, w = p.colors.shape[1:3]
        m, v, u = rng.integers(0, len(p), n), rng.integers(0, h, n), rng.integers(0, w, n)
        jitter = rng.uniform(-0.5, 0.5, (2, n))
        x, y = (u + jitter[0] - camera.cx) / camera.fx, (v + jitter[1] - camera.cy) / camera.fy
        T = self._poses[m]
        d = T[:, :3, 0] * x[:, None] + T[:, :3, 1] * y[:, None] + T[:, :3, 2]
        return T[:, :3, 3], d, p.colors[m, v, u] / np.float32(255), self.field.cameras.gains[m]

    def _step_near(
        self, places: NDArray[np.float64], directions: NDArray[np.float64], target: NDArray[np.float64],
        gain: NDArray[np.float64], rate: float,
    ) -> float:  # fmt: skip
        import torch

        field = self.field
        coarse, fine = field.coarse.grid.lookup(places), field.fine.grid.lookup(places)
        values = gather(field.coarse.table, *coarse)
        values[:, :3] += gather(field.fine.table, *fine)
        features = torch.from_numpy(values).requires_grad_()
        loss = self._loss(field.shade(features, unit(directions)), target, gain)
        for group in self._net.param_groups:
            group["lr"] = _NET_RATE * rate
        self._net.zero_grad(set_to_none=True)
        loss.backward()
        self._net.step()
        assert features.grad is not None
        g = features.grad.numpy()
        self._coarse.step(*coarse, g, self._coarse_rates * np.float32(rate))
        self._fine.step(*fine, g[:, :3], np.full(3, _FINE_RATE * rate, np.float32))
        return float(loss.detach())

    def _step_far(
        self, origins: NDArray[np.float64], directions: NDArray[np.float64], target: NDArray[np.float64],
        gain: NDArray[np.float64], rate: float,
    ) -> float:  # fmt: skip
        import torch

        values, rows, weights = sample_far(self.field.shells, self.field.far, origins, directions)
        samples = torch.from_numpy(values).requires_grad_()
        loss = self._loss(blend(samples), target, gain)
        loss.backward()
        assert samples.grad is not None
        self._far.step(rows, weights, samples.grad.numpy().reshape(-1, 4), self._far_rates * np.float32(rate))
        return float(loss.detach())

    @staticmethod
    def _loss(color: Any, target: NDArray[np.float64], gain: NDArray[np.float64]) -> Any:
        import torch

        wanted = torch.from_numpy(target.astype(np.float32))
        factor = torch.from_numpy(gain.astype(np.float32))
        return torch.nn.functional.huber_loss(color * factor, wanted, reduction="sum", delta=0.1)
