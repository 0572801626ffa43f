"""Pages stand alone and quote what they are given."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from geo3d_viewer.report.page import Section, figure, page, table
from PIL import Image


def test_nothing_is_fetched_and_text_is_escaped() -> None:
    text = page("<script>x</script>", [Section("a & b", table([["<img src=x>", 12345], ["y", 0.25]]))])
    assert "<script" not in text
    assert "&lt;img src=x&gt;" in text
    assert "12,345" in text
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text


def test_tables_with_headers_have_a_cell_for_every_value() -> None:
    text = table([["f1", "lost", "no overlap"]], ("frame", "state", "reason"))
    assert text.count("<th>") == 3
    assert text.count("<td>") == 3


def test_figures_hold_the_picture() -> None:
    image = np.full((20, 30, 3), [200, 100, 50], np.uint8)
    text = figure(image, 'a "caption"')
    data = re.search(r"base64,([^\"]+)", text)
    assert data is not None
    with Image.open(io.BytesIO(base64.b64decode(data.group(1)))) as stored:
        assert np.abs(np.asarray(stored).astype(int) - image).max() < 6
    assert "&quot;caption&quot;" in text
