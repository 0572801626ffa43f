"""The training task `registration-matcher`: rooms on the fly, a few passes over each chunk of them, resumable."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.config import from_dict
from geo3d.console import progress, say, to_json
from geo3d.io.atomic import atomic_path, write_text


@dataclass(frozen=True)
class MatcherConfig:
    """What to learn from, and how long.

    rooms    seeds of synthetic rooms, [first, last)
    images   a folder of pictures for the rooms' textures; empty: procedural textures alone
    chunk    rooms that are in memory at once, about 10 MB a pair
    pairs    of each room
    epochs   passes over a chunk
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
    """Write the weights, `log.jsonl` and `report.json` into `folder`; a second call goes on at the next pass.

    The linear branch starts from a closed form over the first chunk, which is the descriptor that comes with the
    package (`descriptor.safetensors`); then everything learns by contrast (`matcher.safetensors`).
    """
    import torch
    from safetensors.numpy import save_file as save_numpy

    from geo3d.nn.match_net import MatchNet
    from geo3d.registration.training.match_data import room_pairs
    from geo3d.registration.training.match_report import report_matches
    from geo3d.registration.training.match_start import linear_start
    from geo3d.registration.training.pairs import read_images

    config = from_dict(MatcherConfig, settings)
    images = read_images(Path(config.images)) if config.images else []
    torch.manual_seed(config.seed)
    net = MatchNet()
    optimizer = torch.optim.AdamW(net.parameters(), config.rate, weight_decay=1e-4)
    state = folder / "state.pt"
    first, last = config.rooms
    chunks = [range(r, min(r + config.chunk, last)) for r in range(first, last, config.chunk)]
    passes, done = len(chunks) * config.epochs, 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        done = int(saved["done"])
        say(f"going on at pass {done} of {passes}")
    for number, rooms in enumerate(chunks):
        if done >= (number + 1) * config.epochs:
            continue
        pairs = [p for r in progress(rooms, "rooms", len(rooms)) for p in room_pairs(r, config.pairs, images)]
        if done == 0:
            W, bias = linear_start(pairs, net.config.width)
            net.start_linear(W, bias)
            with atomic_path(folder / "descriptor.safetensors") as temporary:
                save_numpy({"W": W.astype(np.float16), "bias": bias}, temporary)
            _save(net, optimizer, folder, 0)
        for epoch in range(done, (number + 1) * config.epochs):
            order = np.random.default_rng(config.seed + epoch).permutation(len(pairs))
            numbers = _steps(net, optimizer, [pairs[k] for k in order], config, epoch / passes, 1 / passes)
            done = epoch + 1
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps({"pass": done, **numbers}) + "\n")
            _save(net, optimizer, folder, done)
    held_out = [p for r in range(*config.held_out) for p in room_pairs(r, config.pairs, images)]
    report = {"parameters": sum(p.numel() for p in net.parameters()), "held_out": report_matches(net, held_out)}
    write_text(folder / "report.json", to_json(report, indent=1) + "\n")


def _save(net: Any, optimizer: Any, folder: Path, done: int) -> None:
    import torch
    from safetensors.torch import save_file

    with atomic_path(folder / "state.pt") as temporary:
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "done": done}, temporary)
    with atomic_path(folder / "matcher.safetensors") as temporary:
        save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, temporary)


def _steps(
    net: Any, optimizer: Any, pairs: list[Any], config: MatcherConfig, share: float, span: float
) -> dict[str, float]:
    """One pass, from `share` of all steps to `share` + `span`; means of the losses."""
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
        rows.append([loss.local, loss.fine, loss.coarse, loss.overlap, loss.right])
    mean = np.array(rows).mean(axis=0) if rows else np.full(5, np.nan)
    names = ("local", "fine", "coarse", "overlap", "right")
    return {"pairs": len(rows), **{k: round(float(v), 4) for k, v in zip(names, mean, strict=True)}}
