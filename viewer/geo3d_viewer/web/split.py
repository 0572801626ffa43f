"""The page that holds several views: a frame for each, under its title."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.resources import files
from string import Template

from geo3d_viewer.linked import View

# Pixels of the controls, which stand beside the last view.
PANEL_WIDTH = 320


def split_page(views: Sequence[View], title: str) -> bytes:
    """HTML of the page at `/`, whose frames are at `view/0/`, `view/1/`, ..."""
    figures = "\n".join(
        f"<figure><figcaption>{html.escape(name)}</figcaption>"
        f'<div><iframe src="view/{k}/" title="{html.escape(name)}"></iframe></div></figure>'
        for k, (name, _) in enumerate(views)
    )
    columns = len(views) if len(views) < 4 else -(-len(views) // 2)
    text = Template(files("geo3d_viewer.web").joinpath("split.html").read_text(encoding="utf-8"))
    return text.substitute(title=html.escape(title), columns=columns, panel=PANEL_WIDTH, figures=figures).encode()
