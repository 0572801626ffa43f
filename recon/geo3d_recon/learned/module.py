"""The Lightning side of fitting: losses, schedule, batches, averaged weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning  # noqa: TID253  only imported by `fit`
import numpy as np
import torch  # noqa: TID253
from torch import Tensor, nn  # noqa: TID253

from geo3d.io.atomic import atomic_path
from geo3d_recon.learned.fit import FitConfig
from geo3d_recon.learned.graph import join_graphs
from geo3d_recon.learned.prepare import WINDING_WIDTH
from geo3d_recon.learned.weights import load_net
from geo3d_recon.nn.surface_net import SurfaceNet, winding_number

_CLAMP = 1.5  # spacings; farther out only the sign matters
_SHARPNESS = 4.0


class SurfaceModule(lightning.LightningModule):
    """Clamped distance, sign, normal and offset losses; AdamW with warm-up and cosine decay; weight averaging."""

    def __init__(self, config: FitConfig) -> None:
        super().__init__()
        self.config = config
        self.net = SurfaceNet(config.net)
        if config.start is not None:
            self.net.load_state_dict(load_net(config.start).state_dict())
        decay = torch.optim.swa_utils.get_ema_multi_avg_fn(config.average)
        self.averaged = torch.optim.swa_utils.AveragedModel(self.net, multi_avg_fn=decay)

    def training_step(self, batch: dict[str, Any], _: int) -> Tensor:
        losses = self._losses(self.net, batch)
        self.log_dict(losses)
        return losses["loss"]

    def validation_step(self, batch: dict[str, Any], _: int) -> None:
        """The same losses of the averaged network on shapes that are not trained on."""
        losses = self._losses(self.averaged.module, batch)
        self.log_dict({f"val_{k}": v for k, v in losses.items()}, batch_size=1)

    @staticmethod
    def _losses(net: SurfaceNet, batch: dict[str, Any]) -> dict[str, Tensor]:
        graph = batch["graph"]
        encoded = net.encode(graph)
        with torch.no_grad():
            moments = encoded.normals * graph.area[:, None]
            winding = torch.cat(
                [
                    winding_number(graph.points[p], moments[p], batch["queries"][q], WINDING_WIDTH)
                    for p, q in zip(batch["point_slices"], batch["query_slices"], strict=True)
                ]
            )
        distance = net.query(encoded, graph, batch["queries"], batch["near"], winding - 0.5)
        truth, near = batch["distance"], batch["point_distance"].abs() < 1
        clamped = (distance.clamp(-_CLAMP, _CLAMP) - truth.clamp(-_CLAMP, _CLAMP)).abs().mean()
        sign = nn.functional.binary_cross_entropy_with_logits(-_SHARPNESS * distance, (truth < 0).to(distance.dtype))
        normal = 1 - (encoded.normals * batch["point_normal"]).sum(-1)[near].mean()
        flipped = ((encoded.normals * batch["point_normal"]).sum(-1)[near] < 0).to(distance.dtype).mean()
        # A point at signed distance d has its surface at −d along the outward normal: plane value = d there.
        offset = (encoded.offsets - batch["point_distance"]).abs()[near].mean()
        loss = clamped + 0.25 * sign + 0.25 * normal + 0.1 * offset
        losses = {"distance": clamped, "sign": sign, "normal": normal, "offset": offset, "flipped": flipped}
        return {"loss": loss, **{k: v.detach() for k, v in losses.items()}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.net)

    def configure_optimizers(self) -> Any:
        c = self.config
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=c.rate, weight_decay=1e-4)

        def schedule(step: int) -> float:
            return min(1.0, (step + 1) / 100) * (
                0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(step / c.steps, 1.0)))
            )

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class _Batches(torch.utils.data.IterableDataset):
    def __init__(self, clouds: list[dict[str, Any]], config: FitConfig) -> None:
        self.clouds, self.config = clouds, config

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.config.seed)
        while True:
            yield collate([self._draw(c, rng) for c in rng.choice(len(self.clouds), self.config.batch)])

    def _draw(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        cloud = self.clouds[index]
        pick = torch.from_numpy(rng.choice(len(cloud["queries"]), self.config.queries, replace=False))
        drawn = {k: cloud[k][pick] for k in ("queries", "near", "distance")}
        return {**{k: cloud[k] for k in ("graph", "point_distance", "point_normal")}, **drawn}


def batches(clouds: list[dict[str, Any]], config: FitConfig) -> torch.utils.data.DataLoader:
    """An endless loader of joined clouds."""
    return torch.utils.data.DataLoader(_Batches(clouds, config), batch_size=None)


def all_of(clouds: list[dict[str, Any]]) -> torch.utils.data.DataLoader:
    """Each cloud once, with all its queries."""
    return torch.utils.data.DataLoader([collate([c]) for c in clouds], batch_size=None)


def collate(clouds: list[dict[str, Any]]) -> dict[str, Any]:
    """Several clouds as one, neighbour indices shifted."""
    graph, starts = join_graphs([c["graph"] for c in clouds])
    joined = {k: torch.cat([c[k] for c in clouds]) for k in clouds[0] if k not in ("graph", "near")}
    near = torch.cat([c["near"] + s for c, s in zip(clouds, starts, strict=True)])
    points = _slices([len(c["graph"].points) for c in clouds])
    queries = _slices([len(c["queries"]) for c in clouds])
    return {"graph": graph, "near": near, "point_slices": points, "query_slices": queries, **joined}


def _slices(sizes: list[int]) -> list[slice]:
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def export(module: SurfaceModule, path: Path, *, minutes: float, clouds: int) -> None:
    """Write the averaged weights in half precision with their settings."""
    from safetensors.torch import save_file

    weights = {k: v.to(torch.float16).contiguous() for k, v in module.averaged.module.state_dict().items()}
    about = {"steps": str(module.global_step), "minutes": f"{minutes:.1f}", "clouds": str(clouds)}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata={**module.config.net.as_metadata(), **about})
