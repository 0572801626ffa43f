"""The training task `registration-matcher`: rooms on the fly, a few passes over each chunk of them, resumable."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.config import from_dict
from geo3d.console import progress, say, to_json
from geo3d.io.atomic import atomic_path, write_text

# Of the running mean of the weights: about the last hundred steps.
MEMORY = 0.99


@dataclass(frozen=True)
class MatcherConfig:
    """What to learn from, and how long.

    rooms    seeds of synthetic rooms, [first, last); their pairs are made once and kept, about 5 MB a pair
    images   a folder of pictures for the rooms' textures; empty: procedural textures alone
    chunk    rooms that are in memory at once, about 10 MB a pair
    pairs    of each room
    epochs   passes over all rooms
    rate     highest learning rate; it rises over the first steps and falls to a hundredth
    context  share of the steps after which the Transformer learns too; the local descriptors come first
    held_out seeds of rooms for the report, [first, last)
    seed     of the initial weights and of the order
    """

    rooms: list[int] = field(default_factory=lambda: [20_000, 20_040])
    images: str = ""
    chunk: int = 10
    pairs: int = 16
    epochs: int = 6
    rate: float = 1e-3
    context: float = 0.5
    held_out: list[int] = field(default_factory=lambda: [30_000, 30_005])
    seed: int = 1


def train_matcher(settings: dict[str, Any], folder: Path) -> None:
    """Write the weights, `log.jsonl` and `report.json` into `folder`; a second call goes on where the first stopped.

    The linear branch starts from a closed form over the first chunk, which is the descriptor that comes with the
    package (`descriptor.safetensors`); then everything learns by contrast (`matcher.safetensors`, a running mean of
    the weights).
    """
    import torch

    from geo3d.nn.match_net import MatchNet
    from geo3d.registration.learned.descriptor import save_descriptor
    from geo3d.registration.training.match_cache import cached_pairs
    from geo3d.registration.training.match_report import report_matches
    from geo3d.registration.training.match_start import linear_start
    from geo3d.registration.training.pairs import read_images

    config = from_dict(MatcherConfig, settings)
    images = read_images(Path(config.images)) if config.images else []

    def pairs_of(rooms: Sequence[int]) -> list[Any]:
        return [p for r in rooms for p in cached_pairs(folder / "pairs", int(r), config.pairs, images)]

    rooms = range(*config.rooms)
    for room in progress(rooms, "rooms", len(rooms)):
        pairs_of([room])
    torch.manual_seed(config.seed)
    net = MatchNet()
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(MEMORY))
    optimizer = torch.optim.AdamW(net.parameters(), config.rate, weight_decay=1e-4)
    state, done = folder / "state.pt", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        for part, key in ((net, "net"), (mean, "mean"), (optimizer, "optimizer")):
            part.load_state_dict(saved[key])
        done = int(saved["done"])
        say(f"going on at pass {done} of {config.epochs}")
    else:
        W, bias = linear_start(pairs_of(rooms[: config.chunk]), net.config.width)
        save_descriptor(folder / "descriptor.safetensors", W, bias)
        net.start_linear(W, bias)
        mean.module.load_state_dict(net.state_dict())
    for epoch in range(done, config.epochs):
        rng = np.random.default_rng(config.seed + epoch)
        order = rng.permutation(rooms).tolist()
        chunks = [order[k : k + config.chunk] for k in range(0, len(order), config.chunk)]
        for number, chunk in enumerate(chunks):
            pairs = pairs_of(chunk)
            pairs = [pairs[k] for k in rng.permutation(len(pairs))]
            share = (epoch + number / len(chunks)) / config.epochs
            numbers = _steps(net, mean, optimizer, pairs, config, share, 1 / (len(chunks) * config.epochs))
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps({"share": round(share, 4), **numbers}) + "\n")
        with atomic_path(state) as temporary:
            parts = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**parts, "done": epoch + 1}, temporary)
        _export(mean.module, folder)
    held_out = pairs_of(range(*config.held_out))
    report = {
        "parameters": sum(p.numel() for p in net.parameters()),
        "held_out": report_matches(mean.module, held_out),
    }
    write_text(folder / "report.json", to_json(report, indent=1) + "\n")


def _export(net: Any, folder: Path) -> None:
    from safetensors.torch import save_file

    with atomic_path(folder / "matcher.safetensors") as temporary:
        save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, temporary)


def _steps(
    net: Any, mean: Any, optimizer: Any, pairs: list[Any], config: MatcherConfig, share: float, span: float
) -> dict[str, float]:
    """One chunk, from `share` of all steps to `share` + `span`; means of the losses."""
    import torch

    from geo3d.nn.match_loss import match_loss

    net.train()
    rows = []
    for number, pair in enumerate(pairs):
        now = share + span * number / len(pairs)
        for group in optimizer.param_groups:
            group["lr"] = config.rate * min(1.0, 0.05 + now / 0.05) * (0.01 + 0.495 * (1 + math.cos(math.pi * now)))
        loss = match_loss(net, pair.a, pair.b, pair.T_b_a, context=now >= config.context)
        if loss is None or not bool(torch.isfinite(loss.total)):
            continue
        optimizer.zero_grad()
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        mean.update_parameters(net)
        rows.append([loss.local, loss.fine, loss.coarse, loss.overlap, loss.right])
    average = np.array(rows).mean(axis=0) if rows else np.full(5, np.nan)
    names = ("local", "fine", "coarse", "overlap", "right")
    return {"pairs": len(rows), **{k: round(float(v), 4) for k, v in zip(names, average, strict=True)}}
