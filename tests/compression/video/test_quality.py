"""PSNR and MS-SSIM against closed forms and orderings."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_compression.video.quality import ms_ssim, psnr


def test_psnr() -> None:
    a = np.zeros((4, 4), np.uint8)
    assert psnr(a, a) is None
    assert psnr(a, a + 5) == pytest.approx(20 * np.log10(255 / 5))


def test_ms_ssim() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 255, (200, 200)).astype(float)
    assert ms_ssim(a, a) == pytest.approx(1.0)
    little, much = ms_ssim(a, a + rng.normal(0, 5, a.shape)), ms_ssim(a, a + rng.normal(0, 40, a.shape))
    assert much < little < 1
    # Contrast halved around the mean: structure stays, so it is far from noise of the same error.
    halved = a.mean() + 0.5 * (a - a.mean())
    assert ms_ssim(a, halved) == pytest.approx(0.8, abs=0.05)
    assert 0 < ms_ssim(a[:9, :9], a[:9, :9] + 3) <= 1
