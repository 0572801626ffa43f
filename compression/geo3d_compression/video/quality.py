"""PSNR and MS-SSIM of decoded frames (encoder's report and benchmark; no bit depends on them)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Weights of the five scales (Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image
# quality assessment", Asilomar 2003).
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def psnr(truth: NDArray[np.generic], decoded: NDArray[np.generic], peak: float = 255.0) -> float | None:
    """dB over all samples; None where nothing differs."""
    error = float(np.mean((truth.astype(np.float64) - decoded.astype(np.float64)) ** 2))
    return 10 * float(np.log10(peak * peak / error)) if error else None


def ms_ssim(truth: NDArray[np.generic], decoded: NDArray[np.generic], peak: float = 255.0) -> float:
    """Multiscale structural similarity of two [H, W] planes; fewer scales where a side is under 176 samples."""
    from scipy.ndimage import gaussian_filter

    a, b = truth.astype(np.float64), decoded.astype(np.float64)
    scales = max(1, min(5, int(np.log2(max(min(a.shape), 11) / 11)) + 1))
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    weights = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
    result = 1.0

    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(x, 1.5, truncate=3.5))

    for k in range(scales):
        mean_a, mean_b = blur(a), blur(b)
        var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
        both = blur(a * b) - mean_a * mean_b
        contrast = (2 * both + c2) / (var_a + var_b + c2)
        if k == scales - 1:
            contrast = contrast * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        result *= max(float(contrast.mean()), 0.0) ** weights[k]
        if k < scales - 1:
            a, b = (_halved(x) for x in (a, b))
    return result


def _halved(x: NDArray[np.float64]) -> NDArray[np.float64]:
    h, w = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    return (x[:h:2, :w:2] + x[1:h:2, :w:2] + x[:h:2, 1:w:2] + x[1:h:2, 1:w:2]) / 4
