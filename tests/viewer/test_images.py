"""Pictures beside their decoded versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.images import image_comparison, psnr, read_image
from PIL import Image

from geo3d.errors import FormatError, ShapeError


def ramp() -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160]
    return np.stack([x, y, x // 2 + y // 2], axis=2).astype(np.uint8)


def test_psnr_is_that_of_the_definition() -> None:
    noisy = ramp().copy()
    noisy[::2, :, 0] += 10
    # Half of the rows, one of three channels, off by 10: MSE 100 / 6.
    assert psnr(ramp(), noisy) == pytest.approx(10 * np.log10(255**2 / (100 / 6)))
    assert psnr(ramp(), ramp()) == float("inf")
    with pytest.raises(ShapeError, match="different size"):
        psnr(ramp(), ramp()[:50])


def test_the_error_is_bright_where_it_is() -> None:
    decoded = ramp().copy()
    decoded[:, :60] += 40
    picture = image_comparison(ramp(), [("x.jpg", decoded, 1000)]).astype(int)
    panel = picture[-120:, 2 * 168 : 2 * 168 + 160].sum(axis=2)
    assert panel[:, :60].mean() > panel[:, 80:].mean() + 150
    assert np.array_equal(picture[-120:, :160], ramp())


def test_files_are_read_and_others_refused(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.png")
    Image.fromarray(ramp()[..., 0]).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), ramp())
    assert read_image(tmp_path / "grey.png").shape == (120, 160, 3)
    (tmp_path / "b.png").write_bytes(b"no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    for name in ("b.png", "cut.png", "missing.png"):
        with pytest.raises(FormatError, match=name):
            read_image(tmp_path / name)
