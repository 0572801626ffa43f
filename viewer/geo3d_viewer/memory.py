"""The last view of each input, remembered between runs in the user's state folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from geo3d.errors import FormatError, Geo3DError
from geo3d.io.atomic import write_text
from geo3d_viewer.camera import ViewCamera

_MOST_VIEWS = 100


def _file() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "geo3d" / "views.json"


def _key(paths: Sequence[str | Path]) -> str:
    return "|".join(str(Path(p).absolute()) for p in paths)


def _views() -> dict[str, str]:
    try:
        views = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return views if isinstance(views, dict) else {}


def remember(paths: Sequence[str | Path], camera: ViewCamera) -> None:
    """Keep the view of these inputs; a state folder that cannot be written is no reason to fail."""
    views = {k: v for k, v in _views().items() if k != _key(paths)}
    views = dict(list(views.items())[-(_MOST_VIEWS - 1) :]) | {_key(paths): camera.to_json()}
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_text(_file(), json.dumps(views, indent=1))
    except OSError:
        return


def recalled(paths: Sequence[str | Path]) -> ViewCamera | None:
    """As `recall`; None where nothing is remembered, or nothing that can be used."""
    try:
        return recall(paths)
    except Geo3DError:
        return None


def recall(paths: Sequence[str | Path]) -> ViewCamera:
    """The view in which the window on these inputs was closed; `FormatError` if there is none."""
    text = _views().get(_key(paths))
    if text is None:
        raise FormatError("no view of this input is remembered; one is kept when its window is closed")
    return ViewCamera.from_json(text)
