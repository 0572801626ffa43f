"""The weights that come with the package."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from geo3d.errors import Geo3DError

if TYPE_CHECKING:
    from geo3d_recon.nn.surface_net import SurfaceNet

BUNDLED = Path(__file__).parent / "surface_net.safetensors"


def load_net(path: Path = BUNDLED) -> SurfaceNet:
    """The network of a safetensors file that `fit` exported, ready for inference in float32.

    The bundled file is read once a process; the network holds no state that a call changes.
    """
    return _load(path)


@functools.lru_cache(maxsize=2)
def _load(path: Path) -> SurfaceNet:
    from safetensors import SafetensorError, safe_open

    from geo3d_recon.nn.surface_net import SurfaceNet, SurfaceNetConfig

    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            state = {k: file.get_tensor(k).float() for k in file.keys()}  # noqa: SIM118  not a dict
    except (OSError, SafetensorError) as error:
        raise Geo3DError(f"the weights {path} cannot be read ({error}); reinstall the package") from error
    fields = SurfaceNetConfig.__dataclass_fields__
    net = SurfaceNet(SurfaceNetConfig(**{k: int(v) for k, v in about.items() if k in fields}))
    net.load_state_dict(state)
    return net.eval().requires_grad_(False)
