"""The Lightning side of fitting completions: the flow's loss, turned views, averaged weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning  # noqa: TID253  only imported by `fit`
import numpy as np
import torch  # noqa: TID253
from numpy.typing import NDArray
from torch import Tensor  # noqa: TID253

from geo3d.io.atomic import atomic_path
from geo3d_recon.completion.fit import CompletionFitConfig
from geo3d_recon.completion.grid import to_patches
from geo3d_recon.completion.prepare import read_views
from geo3d_recon.nn.completion_net import CompletionNet

Bytes = NDArray[np.uint8]
_WHITENED = 0.5  # exponent by which principal components are evened out: coarse ones stay the larger ones
_BASIS_VIEWS = 400


class CompletionModule(lightning.LightningModule):
    """Mean squared error of the velocity; AdamW with warm-up and cosine decay; weight averaging."""

    def __init__(self, config: CompletionFitConfig, whole: Bytes) -> None:
        super().__init__()
        self.config = config
        self.net = CompletionNet(config.net)
        _set_basis(self.net, whole)
        decay = torch.optim.swa_utils.get_ema_multi_avg_fn(config.average)
        self.averaged = torch.optim.swa_utils.AveragedModel(self.net, multi_avg_fn=decay)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        x, noise = self._drawn(self.net, batch)
        # Middling times are where most is decided (Esser et al. 2024).
        t = torch.randn(len(x), device=x.device).sigmoid()
        loss = self._loss(self.net, batch[0], x, noise, t)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """The loss of the averaged network at fixed times, with the same noise each time."""
        net = self.averaged.module
        generator = torch.Generator().manual_seed(0)
        x, noise = self._drawn(net, batch, generator)
        for time in (0.1, 0.5, 0.9):
            loss = self._loss(net, batch[0], x, noise, torch.full((len(x),), time, device=x.device))
            self.log(f"val_loss_{time}", loss, batch_size=len(x))

    @staticmethod
    def _drawn(
        net: CompletionNet, batch: tuple[Tensor, Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        x = net.encode(batch[1])
        return x, torch.randn(x.shape, generator=generator).to(x)

    @staticmethod
    def _loss(net: CompletionNet, seen: Tensor, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        mixed = noise + t[:, None, None] * (x - noise)
        return (net(mixed, t, seen) - (x - noise)).square().mean()

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.net)

    def configure_optimizers(self) -> Any:
        c = self.config
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=c.rate, weight_decay=1e-2, betas=(0.9, 0.98))

        def schedule(step: int) -> float:
            rest = 0.5 + 0.5 * math.cos(math.pi * min(step / c.steps, 1.0))
            return min(1.0, (step + 1) / 150) * (0.02 + 0.98 * rest)

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def _set_basis(net: CompletionNet, whole: Bytes) -> None:
    """Principal components of the patches of some shapes, turned every way that a cube can be."""
    stride = max(1, len(whole) // _BASIS_VIEWS)
    turned = np.stack([g.transpose(p) for g in whole[::stride] for p in ((0, 1, 2), (1, 2, 0), (2, 0, 1))])
    turned = np.concatenate([turned, turned[:, ::-1], turned[:, :, ::-1], turned[:, :, :, ::-1]])
    patches = torch.from_numpy(_unit(to_patches(turned)).reshape(-1, net.config.patch))
    mean = patches.mean(dim=0)
    value, vector = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    value, vector = value.flip(0)[: net.config.latent], vector.flip(1)[:, : net.config.latent]
    scale = (value / value[0]) ** (_WHITENED / 2) * math.sqrt(float(value[0])) / 2
    net.mean.copy_(mean)
    net.basis.copy_(vector.T)
    net.scale.copy_(scale)


class _Views(torch.utils.data.IterableDataset):
    """Endless batches of views, each by one of the 48 symmetries of the cube."""

    def __init__(self, path: Path, config: CompletionFitConfig) -> None:
        self.seen, self.whole = read_views(path)
        self.config = config

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng(self.config.seed)
        orders = list(itertools.permutations((1, 2, 3)))
        while True:
            batch = []
            for i in rng.choice(len(self.whole), self.config.batch):
                both = np.stack([self.seen[i], self.whole[i]]).transpose(0, *orders[rng.integers(6)])
                batch.append(both[:, *(slice(None, None, int(s)) for s in rng.choice([-1, 1], 3))])
            yield _tensors(np.stack(batch))


def batches(path: Path, config: CompletionFitConfig) -> Any:
    """An endless loader of batches."""
    return torch.utils.data.DataLoader(_Views(path, config), batch_size=None)


def held(path: Path) -> Any:
    """The views of a file as they are."""
    both = np.stack(read_views(path), axis=1)
    return torch.utils.data.DataLoader(
        [_tensors(b) for b in np.array_split(both, -(-len(both) // 24))], batch_size=None
    )


def _tensors(both: Bytes) -> tuple[Tensor, Tensor]:
    patches = to_patches(both)
    seen = patches[:, 0].astype(np.float32) / 255
    return torch.from_numpy(seen), torch.from_numpy(_unit(patches[:, 1]))


def _unit(whole: Bytes) -> NDArray[np.float32]:
    return (whole.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def export(module: CompletionModule, path: Path, *, minutes: float, views: int) -> None:
    """Write the averaged weights in half precision with their settings."""
    from safetensors.torch import save_file

    weights = {k: v.to(torch.float16).contiguous() for k, v in module.averaged.module.state_dict().items()}
    about = {"steps": str(module.global_step), "minutes": f"{minutes:.1f}", "views": str(views)}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata={**module.config.net.as_metadata(), **about})
