"""`geo3d-field`: the suite's radiance field as a nerfstudio method, trained by nerfstudio's own loop.

Calibration and corrections of poses are what `geo3d reconstruct --method field` has beyond this: here the rays are
nerfstudio's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nerfstudio.configs.base_config import ViewerConfig
from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManagerConfig
from nerfstudio.engine.optimizers import AdamOptimizerConfig
from nerfstudio.engine.schedulers import ExponentialDecaySchedulerConfig
from nerfstudio.engine.trainer import TrainerConfig
from nerfstudio.models.base_model import Model, ModelConfig
from nerfstudio.pipelines.base_pipeline import VanillaPipelineConfig
from nerfstudio.plugins.types import MethodSpecification
from torch import Tensor, nn

from geo3d.errors import FormatError
from geo3d.io import open_rgbd
from geo3d_recon.field.allocate import allocate
from geo3d_recon.field.cameras import FieldCameras
from geo3d_recon.field.model import Layer, blend
from geo3d_recon.field.nn.shade import Shade
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.pictures import load_pictures
from geo3d_recon.field.shells import SPREAD, Shells
from geo3d_recon.field.sparse_grid import SparseGrid
from geo3d_recon.field.surface import Surface, fuse_surface
from geo3d_recon.nerfstudio.data import FILES_KEY, FOLDER_KEY, TRANSFORM_KEY, Geo3DDataConfig

_LAYERS = ("fine", "coarse", "far")


@dataclass
class Geo3DFieldConfig(ModelConfig):
    """Settings of the field."""

    _target: type = field(default_factory=lambda: Geo3DField)
    enable_collider: bool = False
    eval_num_rays_per_chunk: int = 1 << 16
    latent: int = 5
    """Features of a coarse corner beside its colour."""
    hidden: int = 32
    """Width of the network."""
    corners: int = 3_000_000
    """Corners of the fine grid, at most."""


class Geo3DField(Model):
    """One sample a ray, on the surface fused from the depth pictures of the training frames."""

    config: Geo3DFieldConfig

    def populate_modules(self) -> None:
        super().populate_modules()
        metadata = self.kwargs["metadata"]
        if FOLDER_KEY not in metadata:
            raise FormatError("geo3d-field needs depth: use its own data parser, `ns-train geo3d-field --data FOLDER`")
        transform, self._scale = metadata[TRANSFORM_KEY]
        self._transform = np.array(transform)
        dataset = open_rgbd(Path(metadata[FOLDER_KEY]))
        wanted = set(metadata[FILES_KEY])
        frames = [i for i, p in enumerate(dataset.color_paths) if p is not None and p.name in wanted]
        pictures = load_pictures(dataset, frames)
        self._surface = fuse_surface(dataset, dict(zip(pictures.indices, pictures.T_world_camera, strict=True)))
        same = np.repeat(np.eye(4)[None], len(pictures), axis=0)
        cameras = FieldCameras(
            pictures.camera, pictures.T_world_camera, same, np.ones((len(pictures), 3)), pictures.times
        )
        options = FieldOptions(latent=self.config.latent, hidden=self.config.hidden, corners=self.config.corners)
        layers = allocate(pictures, cameras, self._surface, options)
        self._shells = layers.shells
        self._grids: dict[str, SparseGrid] = {}
        self.tables = nn.ParameterDict()
        for name in _LAYERS:
            self._set_layer(name, getattr(layers, name))
        self._set_geometry()
        self.shade = Shade(self.config.latent, self.config.hidden)
        self.exposures = nn.Parameter(torch.zeros(self.num_train_data, 3))

    def get_param_groups(self) -> dict[str, list[nn.Parameter]]:
        return {"tables": list(self.tables.values()), "network": [*self.shade.parameters(), self.exposures]}

    def get_outputs(self, ray_bundle: Any) -> dict[str, Tensor]:
        A, b = self._transform[:3, :3], self._transform[:3, 3]
        o = (ray_bundle.origins.detach().cpu().numpy().astype(np.float64) / self._scale - b) @ A
        d = ray_bundle.directions.detach().cpu().numpy().astype(np.float64) @ A
        t = self._surface.cast(o, d)
        hit = np.isfinite(t)
        rgb = torch.zeros(len(t), 3, device=self.device)
        mask = torch.from_numpy(hit).to(self.device)
        if hit.any():
            places = o[hit] + d[hit] * t[hit, None]
            base, features = self._gather("fine", places), self._gather("coarse", places)
            features = torch.cat([features[:, :3] + base, features[:, 3:]], dim=1)
            directions = torch.from_numpy(d[hit].astype(np.float32)).to(self.device)
            rgb = rgb.masked_scatter(mask[:, None].expand(-1, 3), self.shade(features, directions))
        if not hit.all():
            places = self._shells.places(o[~hit], d[~hit]).reshape(-1, 3)
            samples = self._gather("far", places).reshape(-1, len(SPREAD), 4)
            rgb = rgb.masked_scatter(~mask[:, None].expand(-1, 3), blend(samples))
        if self.training and ray_bundle.camera_indices is not None:
            rgb = rgb * torch.exp(self.exposures - self.exposures.mean(dim=0))[ray_bundle.camera_indices.reshape(-1)]
        if not self.training:
            rgb = rgb.clamp(0, 1)
        depth = torch.from_numpy(np.where(hit, t * self._scale, 0).astype(np.float32)).to(self.device)[:, None]
        return {"rgb": rgb, "depth": depth, "accumulation": mask[:, None].float()}

    def get_loss_dict(self, outputs: Any, batch: Any, metrics_dict: Any = None) -> dict[str, Tensor]:
        wanted = batch["image"][..., :3].to(self.device)
        return {"rgb_loss": nn.functional.huber_loss(outputs["rgb"], wanted, delta=0.1) * 100}

    def get_metrics_dict(self, outputs: Any, batch: Any) -> dict[str, Tensor]:
        return {"psnr": _psnr(outputs["rgb"].detach(), batch["image"][..., :3].to(self.device))}

    def get_image_metrics_and_images(
        self, outputs: dict[str, Tensor], batch: dict[str, Tensor]
    ) -> tuple[dict[str, float], dict[str, Tensor]]:
        wanted = batch["image"][..., :3].to(self.device)
        near = outputs["depth"] / outputs["depth"].max().clamp(min=1e-6)
        images = {"img": torch.cat([wanted, outputs["rgb"]], dim=1), "depth": near.expand(-1, -1, 3)}
        return {"psnr": float(_psnr(outputs["rgb"], wanted))}, images

    def _gather(self, name: str, places: np.ndarray[Any, Any]) -> Tensor:
        rows, weights = self._grids[name].lookup(places)
        table = self.tables[name]
        picked = table[torch.from_numpy(rows.astype(np.int64)).to(table.device)]
        return (picked * torch.from_numpy(weights).to(table.device)[..., None]).sum(dim=1)

    def _set_layer(self, name: str, layer: Layer) -> None:
        self._grids[name] = layer.grid
        self.tables[name] = nn.Parameter(torch.from_numpy(layer.table))
        self.register_buffer(f"{name}_coords", torch.from_numpy(layer.grid.coords))
        self.register_buffer(f"{name}_cell", torch.tensor(layer.grid.cell, dtype=torch.float64))

    def _set_geometry(self) -> None:
        s, h = self._surface, self._shells
        self.register_buffer("surface_coords", torch.from_numpy(s.coords))
        self.register_buffer("surface_distances", torch.from_numpy(s.distances))
        numbers = [s.cell, *h.center.tolist(), h.radius, float(h.side)]
        self.register_buffer("geometry", torch.tensor(numbers, dtype=torch.float64))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """A checkpoint brings its own grids: they count, not the ones just made."""
        if f"{prefix}geometry" in state_dict:
            cell, x, y, z, radius, side = state_dict[f"{prefix}geometry"].tolist()
            coords, distances = (state_dict[f"{prefix}surface_{k}"].cpu().numpy() for k in ("coords", "distances"))
            self._surface, self._shells = (
                Surface(coords, distances, cell),
                Shells(np.array([x, y, z]), radius, int(side)),
            )
            for name in _LAYERS:
                grid = SparseGrid.build(
                    state_dict[f"{prefix}{name}_coords"].cpu().numpy(), np.zeros(3),
                    float(state_dict[f"{prefix}{name}_cell"]),
                )  # fmt: skip
                self._set_layer(name, Layer(grid, state_dict[f"{prefix}tables.{name}"].cpu().numpy()))
            self._set_geometry()
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    return -10 * torch.log10(((a - b) ** 2).mean().clamp(min=1e-10))


SPECIFICATION = MethodSpecification(
    config=TrainerConfig(
        method_name="geo3d-field",
        steps_per_eval_batch=500,
        steps_per_eval_image=500,
        steps_per_save=1000,
        max_num_iterations=4000,
        mixed_precision=False,
        pipeline=VanillaPipelineConfig(
            datamanager=VanillaDataManagerConfig(
                dataparser=Geo3DDataConfig(orientation_method="none", center_method="none", auto_scale_poses=False),
                train_num_rays_per_batch=16384,
                eval_num_rays_per_batch=16384,
            ),
            model=Geo3DFieldConfig(),
        ),
        optimizers={
            "tables": {
                "optimizer": AdamOptimizerConfig(lr=1e-2, eps=1e-10),
                "scheduler": ExponentialDecaySchedulerConfig(lr_final=3e-4, max_steps=4000),
            },
            "network": {
                "optimizer": AdamOptimizerConfig(lr=2e-3, eps=1e-10),
                "scheduler": ExponentialDecaySchedulerConfig(lr_final=1e-4, max_steps=4000),
            },
        },
        viewer=ViewerConfig(num_rays_per_chunk=1 << 16),
        vis="viewer",
    ),
    description="Radiance field on the surface of an RGB-D scan; trains in minutes on a CPU.",
)
