import hashlib

import numpy as np
import pytest
from geo3d_compression.volume import tables


@pytest.mark.parametrize(
    ("table", "span", "steps"),
    [(tables.CDF, tables.CDF_RANGE, tables.CDF_STEPS), (tables.SQUASH, tables.SQUASH_RANGE, tables.SQUASH_STEPS)],
)
def test_logistic_tables_are_the_logistic_function(table: np.ndarray, span: int, steps: int) -> None:
    u = np.arange(len(table)) / steps - span
    assert len(table) == 2 * span * steps + 2
    np.testing.assert_allclose(table, 1 / (1 + np.exp(-u)), rtol=1e-7, atol=1e-15)
    assert (np.diff(table) > 0).all()


def test_logarithms_and_quantiles() -> None:
    i = np.arange(1, tables.LOG_STEPS + 1)
    np.testing.assert_allclose(tables.LOG[1:], np.log(i / tables.LOG_STEPS), atol=1e-14)
    assert tables.LOG[0] == pytest.approx(np.log(1 / 16384), abs=1e-14)
    assert tables.QUANTILE[1] == 0
    np.testing.assert_allclose(tables.QUANTILE[[2, 3]], [-np.log(3), np.log(3)], atol=1e-14)
    np.testing.assert_allclose(tables.QUANTILE[4], np.log(1 / 7), atol=1e-14)


def test_the_tables_are_part_of_the_format() -> None:
    everything = b"".join(t.astype("<f8").tobytes() for t in (tables.CDF, tables.SQUASH, tables.LOG, tables.QUANTILE))
    assert hashlib.sha256(everything).hexdigest()[:16] == "b9a5b75311b80108"
