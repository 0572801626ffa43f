"""The page around a report's sections."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #28303a; background: #f4f6f9; margin: 0 auto; padding: 2rem;
       max-width: 68rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
section { background: #fff; border: 1px solid #dde3ea; border-radius: 8px; padding: .2rem 1.2rem 1rem;
          margin-bottom: 1rem; overflow-x: auto; }
img, svg { max-width: 100%; height: auto; border-radius: 4px; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .2rem 1.2rem .2rem 0; vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr + tr td, tr + tr th { border-top: 1px solid #eef1f5; }
figure { display: inline-block; margin: 0 .8rem .8rem 0; } figcaption { font-size: .85rem; color: #5b6673; }
pre { font-size: .8rem; overflow-x: auto; } .row { display: flex; flex-wrap: wrap; gap: .8rem; }
"""
# The browser itself keeps the page from asking anything of the network.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, as HTML that is already safe."""

    heading: str
    body: str


def page(title: str, sections: Sequence[Section]) -> str:
    """The text of an HTML file."""
    parts = "\n".join(f"<section><h2>{html.escape(s.heading)}</h2>\n{s.body}\n</section>" for s in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n{parts}\n</body></html>\n"
    )


def table(rows: Sequence[Sequence[Any]], header: Sequence[str] = ()) -> str:
    """A table; numbers stand right, everything is escaped."""
    lines = ["<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in header) + "</tr>"] if header else []
    for first, *rest in rows:
        lines.append("<tr>" + (f"<th>{_text(first)}</th>" if not header else _cell(first)) + "".join(map(_cell, rest)))
    return "<table>" + "\n".join(lines) + "</table>"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return html.escape(f"{value:,}" if isinstance(value, int) else str(value))


def _cell(value: Any) -> str:
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{_text(value)}</td>"


def figure(image: NDArray[np.uint8], caption: str, *, quality: int = 85) -> str:
    """An embedded picture uint8 [H, W, 3]."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    data = base64.b64encode(buffer.getvalue()).decode()
    height, width = image.shape[:2]
    text = html.escape(caption)
    return (
        f'<figure><img width="{width}" height="{height}" alt="{text}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )
