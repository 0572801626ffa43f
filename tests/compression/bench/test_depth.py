from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench.depth import SUITE
from PIL import Image

from geo3d.errors import Geo3DError


def test_rows_and_ratios(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "empty").mkdir()
    for k in range(2):
        depth = np.full((16, 20), 900 + k, np.uint16)
        Image.fromarray(depth).save(tmp_path / "room" / f"{k}.png")
    rows = list(SUITE["rows"](tmp_path))
    assert {r["case"] for r in rows} == {"room"}
    assert {"geo3d", "geo3d, no poses", "RVL"} <= {r["method"] for r in rows}
    summary = SUITE["summary"](rows)
    size = {r["method"]: r["bytes"] for r in rows}
    assert summary[0]["÷ RVL"] == pytest.approx(size["geo3d"] / size["RVL"])
    with pytest.raises(Geo3DError, match="needs RGB-D folders"):
        list(SUITE["rows"](None))
