"""The training task `jpeg-priors`: run the coefficient coder over photographs, and keep what it learned.

Each round of `mixture` codes every photograph as a JPEG of random quality, subsampling and size, and a short synthetic
walk over it (shift, rotation, zoom, exposure, noise, patches that appear), whose frames are predicted from one another.
`quick`, the model of single pictures in `fast`, learns from the photographs alone.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo3d.config import from_dict
from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d.io.atomic import write_bytes
from geo3d_compression.jpeg.file import flatten, parse
from geo3d_compression.jpeg.model import ModelState, Prediction, encode_planes, fresh_state
from geo3d_compression.jpeg.priors import pack_state
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.predict import coded_frame, predict
from geo3d_compression.rgbd.search import SeenFrame, find_references, luma_pyramid
from geo3d_compression.rgbd.warp import depth_in_color

_QUALITIES = (40, 55, 65, 75, 80, 85, 88, 90, 92, 94, 95, 96, 98)
_WALK_QUALITIES = (75, 80, 85, 88, 90, 92, 95, 95)
_CAMERA = (550.0, 550.0, 320.0, 240.0)
_FILES = {"mixture": "priors.xz", "quick": "priors_fast.xz"}


@dataclass(frozen=True)
class PriorSettings:
    """Settings of the task.

    pictures   folder of photographs; of every `held_out` of them, by name, the third is kept out
    rounds     passes over the photographs; walk: frames of a synthetic walk
    models     which of the two models learn
    """

    pictures: Path
    rounds: int = 2
    walk: int = 4
    held_out: int = 5
    seed: int = 5
    models: tuple[str, ...] = ("mixture", "quick")


def train_priors(settings: dict[str, Any], folder: Path) -> None:
    """Write `priors.xz` and `priors_fast.xz` into `folder`; copy them to geo3d_compression/jpeg/ to ship them."""
    s = from_dict(PriorSettings, settings)
    paths = [p for i, p in enumerate(sorted(s.pictures.iterdir())) if i % s.held_out != 2]
    if not paths:
        raise Geo3DError(f"{s.pictures} holds no pictures")
    if unknown := set(s.models) - set(_FILES):
        raise Geo3DError(f"models must be of {', '.join(_FILES)}, got {', '.join(sorted(unknown))}")
    for model in s.models:
        write_bytes(folder / _FILES[model], pack_state(_learn(paths, s, model)))


def _learn(paths: list[Path], s: PriorSettings, model: str) -> ModelState:
    """The state of one model after all rounds."""
    choose, noise, state = random.Random(s.seed), np.random.default_rng(s.seed), fresh_state(model == "quick")
    order = list(paths)
    for number in range(s.rounds):
        choose.shuffle(order)
        size = original = 0
        for path in order:
            picture = _photograph(path, choose)
            for data in (_jpeg(picture, choose, _QUALITIES), _jpeg(_photograph(path, choose), choose, _QUALITIES)):
                size, original = size + _code(data, state, None), original + len(data)
            if model == "mixture":
                _walk(picture, s.walk, choose, noise, state)
        say(f"{model}, round {number + 1}: {size / original:.4f} of the JPEG bytes")
    return state


def _photograph(path: Path, choose: random.Random) -> Image.Image:
    """RGB, halved where it was JPEG before, sometimes at 0.7 of its size."""
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
        scale = (0.5 if path.suffix == ".jpg" else 1.0) * choose.choice((1.0, 1.0, 0.7))
    return rgb.resize((int(rgb.width * scale), int(rgb.height * scale)), Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image, choose: random.Random, qualities: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    mode = "L" if choose.random() < 0.05 else "RGB"
    picture.convert(mode).save(out, "JPEG", quality=choose.choice(qualities), subsampling=choose.choice((0, 1, 2, 2)))
    return out.getvalue()


def _code(data: bytes, state: ModelState, prediction: Prediction | None) -> int:
    planes = parse(data).planes
    rows = [(0, p.coefs.shape[0]) for p in planes]
    return len(encode_planes(flatten(planes)[0], planes, rows, state, "best", prediction, limit=1000))


def _walk(
    picture: Image.Image, frames: int, choose: random.Random, noise: np.random.Generator, state: ModelState
) -> None:
    calibration = Calibration(_CAMERA, _CAMERA, Motion(), 1000.0)
    history: list[SeenFrame] = []
    angle, x, y, zoom = 0.0, 0.0, 0.0, 1.0
    sigma = choose.choice((0.5, 1.5, 2.5, 3.5))
    quality, subsampling = choose.choice(_WALK_QUALITIES), choose.choice((0, 1, 2, 2, 2))
    size = (min(picture.width - 40, 640), min(picture.height - 40, 480))
    for _ in range(frames):
        turned = picture.rotate(angle, Image.Resampling.BICUBIC)
        view = turned.transform(
            size, Image.Transform.AFFINE, (zoom, 0, 20 + x, 0, zoom, 20 + y), Image.Resampling.BICUBIC
        )
        out = io.BytesIO()
        frame = Image.fromarray(_sensor(np.asarray(view, float), sigma, choose, noise))
        frame.save(out, "JPEG", quality=quality, subsampling=subsampling)
        file = parse(out.getvalue())
        z = depth_in_color(None, calibration, file.markers.height, file.markers.width)
        coded = coded_frame(file, z)
        here = SeenFrame(coded, luma_pyramid(coded), None)
        references = find_references(file.planes, here, history, calibration.color, choose.choice((1, 2, 2)))
        earlier = [h.coded for h in history]
        prediction = predict(file.planes, z, calibration.color, references, earlier) if references else None
        _code(out.getvalue(), state, prediction)
        history = [*history, here][-2:]
        angle += choose.uniform(-0.4, 0.4)
        x, y = (min(max(v + choose.uniform(-5, 5), -18.0), 18.0) for v in (x, y))
        zoom = min(max(zoom * choose.uniform(0.99, 1.01), 0.97), 1.03)


def _sensor(
    pixels: NDArray[np.float64], sigma: float, choose: random.Random, noise: np.random.Generator
) -> NDArray[np.uint8]:
    """Exposure, noise with the correlation of a demosaiced sensor, and sometimes something that was not there."""
    grain = noise.normal(0, sigma, pixels.shape)
    grain = (grain + 0.6 * np.roll(grain, 1, 1) + 0.6 * np.roll(grain, 1, 0)) / 1.31
    pixels = pixels * (1 + choose.uniform(-0.02, 0.02)) + grain
    side = 60
    if choose.random() < 0.5 and min(pixels.shape[:2]) > side:
        i, j = choose.randrange(pixels.shape[0] - side), choose.randrange(pixels.shape[1] - side)
        patch = noise.normal(120, 30, (1, 1, 3)) + noise.normal(0, 12, (side, side, 1))
        pixels[i : i + side, j : j + side] = patch
    return pixels.clip(0, 255).astype(np.uint8)
