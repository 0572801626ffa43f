from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench.volume import SUITE, TUNED_ON

from geo3d.errors import Geo3DError


def test_rows_and_ratios(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in (TUNED_ON[0], "other_ct"):
        np.save(tmp_path / f"{name}.npy", rng.normal(100, 3, (4, 24, 24)).astype(np.int16))
    rows = list(SUITE["rows"](tmp_path))
    methods = {r["method"] for r in rows}
    assert {"geo3d fast", "geo3d best"} <= methods
    assert {r["set"] for r in rows} == {"tuned", "held out"}
    for row in rows:
        assert row["bpv"] == pytest.approx(8 * row["bytes"] / (4 * 24 * 24))
        assert set(SUITE["columns"]) <= set(row)
    kept = {r["key"]: {**r, "bytes": -1} for r in rows[:-1]}
    again = list(SUITE["resumed"](tmp_path, kept))
    assert [r["bytes"] for r in again] == [-1] * (len(rows) - 1) + [rows[-1]["bytes"]]


def test_the_summary_is_a_geometric_mean() -> None:
    rows = [
        {"case": c, "set": "held out", "method": m, "bpv": b}
        for c, m, b in (("a", "geo3d fast", 1.0), ("a", "tomoz", 2.0), ("b", "geo3d fast", 4.0), ("b", "tomoz", 4.0))
    ]
    (row,) = SUITE["summary"](rows)
    assert row["÷ tomoz"] == pytest.approx(0.5**0.5)
    assert row["worst ÷ min(JXL, tomoz)"] == 1.0


def test_it_says_what_it_needs(tmp_path: Path) -> None:
    for data in (None, tmp_path):
        with pytest.raises(Geo3DError, match="volumes"):
            list(SUITE["rows"](data))
