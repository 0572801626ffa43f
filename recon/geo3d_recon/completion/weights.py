"""The weights of the completions that come with the package."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from geo3d.errors import Geo3DError

if TYPE_CHECKING:
    from geo3d_recon.nn.completion_net import CompletionNet

BUNDLED = Path(__file__).parent / "completion_net.safetensors"


@functools.lru_cache(maxsize=2)
def load_completion_net(path: Path = BUNDLED) -> CompletionNet:
    """The network of a safetensors file that `fit` exported, ready for inference in float32.

    A file is read once a process; the network holds no state that a call changes.
    """
    from safetensors import SafetensorError, safe_open

    from geo3d_recon.nn.completion_net import CompletionNet, CompletionNetConfig

    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            state = {k: file.get_tensor(k).float() for k in file.keys()}  # noqa: SIM118  not a dict
    except (OSError, SafetensorError) as error:
        raise Geo3DError(f"the weights {path} cannot be read ({error}); reinstall the package") from error
    fields = CompletionNetConfig.__dataclass_fields__
    net = CompletionNet(CompletionNetConfig(**{k: int(v) for k, v in about.items() if k in fields}))
    net.load_state_dict(state)
    return net.eval().requires_grad_(False)
