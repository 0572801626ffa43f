# mypy: allow-untyped-defs, no-check-untyped-defs
"""A coded colour frame seen from the camera of the next: depth -> points -> earlier camera -> samples.

Every value that reaches a probability comes from integers or from double + - * / in the order written here (numba
compiles without fast-math, so nothing is reordered or fused), rounded once to 1/64 pixel.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.rgbd.motion import Calibration

FRACTION = 64


def _kernel() -> NDArray[np.int64]:
    """Catmull-Rom weights [64, 4], sum 4096: (-t + 2t^2 - t^3) / 2 and so on, rounded; the second takes the rest."""
    weights = np.zeros((FRACTION, 4), np.int64)
    for i in range(FRACTION):
        n = FRACTION
        # In units of 1 / (2 * 64^3), then rounded to 1 / 4096.
        w0 = -i * n * n + 2 * i * i * n - i**3
        w2 = i * n * n + 4 * i * i * n - 3 * i**3
        w3 = -i * i * n + i**3
        rounded = [(w + 64) // 128 for w in (w0, w2, w3)]
        weights[i] = [rounded[0], 4096 - sum(rounded), rounded[1], rounded[2]]
    return weights


KERNEL = _kernel()


def depth_in_color(
    depth: NDArray[np.uint16] | None, calibration: Calibration, height: int, width: int
) -> NDArray[np.float64]:
    """[H, W] metres as the colour camera sees them, holes filled from the nearest measurement; 0 nowhere."""
    out = np.zeros((height, width))
    if depth is not None:
        _splat(
            depth, np.array(calibration.depth), np.array(calibration.color), calibration.T_color_depth.matrix(),
            calibration.steps_per_metre, out,
        )  # fmt: skip
    _fill(out, calibration.far)
    return out


@njit(cache=True, nogil=True)
def _splat(depth, k_d, k_c, m, steps, out):
    height, width = out.shape
    # A colour picture of higher resolution than the depth gets larger splats.
    size = max(1, min(8, int(k_c[0] / k_d[0] + 0.999)))
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            d = depth[v, u]
            if d == 0 or d == 65535:
                continue
            z = d / steps
            x = (u - k_d[2]) / k_d[0] * z
            y = (v - k_d[3]) / k_d[1] * z
            zc = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
            if zc < 0.01:
                continue
            xc = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
            yc = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
            px = xc / zc * k_c[0] + k_c[2]
            py = yc / zc * k_c[1] + k_c[3]
            if not (-1e6 < px < 1e6 and -1e6 < py < 1e6):
                continue
            i0 = int(np.floor(py - 0.5 * size + 1.0))
            j0 = int(np.floor(px - 0.5 * size + 1.0))
            for i in range(i0, i0 + size):
                for j in range(j0, j0 + size):
                    if 0 <= i < height and 0 <= j < width and (out[i, j] == 0.0 or zc < out[i, j]):
                        out[i, j] = zc


@njit(cache=True, nogil=True)
def _fill(out, far):
    """Two sweeps carry the nearest measurement (city-block distance) into the holes."""
    height, width = out.shape
    distance = np.full((height, width), 1 << 29, np.int32)
    for i in range(height):
        for j in range(width):
            if out[i, j] > 0.0:
                distance[i, j] = 0
                continue
            if j > 0 and distance[i, j - 1] + 1 < distance[i, j]:
                distance[i, j], out[i, j] = distance[i, j - 1] + 1, out[i, j - 1]
            if i > 0 and distance[i - 1, j] + 1 < distance[i, j]:
                distance[i, j], out[i, j] = distance[i - 1, j] + 1, out[i - 1, j]
    for i in range(height - 1, -1, -1):
        for j in range(width - 1, -1, -1):
            if j + 1 < width and distance[i, j + 1] + 1 < distance[i, j]:
                distance[i, j], out[i, j] = distance[i, j + 1] + 1, out[i, j + 1]
            if i + 1 < height and distance[i + 1, j] + 1 < distance[i, j]:
                distance[i, j], out[i, j] = distance[i + 1, j] + 1, out[i + 1, j]
            if out[i, j] == 0.0:
                out[i, j] = far


@njit(cache=True, nogil=True)
def flow(z_here, z_there, k, m, grid, cell, out, seen):
    """Where each pixel falls in the earlier picture, in 1/64 pixel, and whether that one saw the same surface.

    z_here, z_there   [H, W] depth in the two colour cameras; k: fx, fy, cx, cy; m: [3, 4] earlier from here
    grid              int16 [rows, columns, 2] corrections at cell corners, 1/64 pixel, interpolated between them
    out               int32 [H, W, 2] x, y; seen: uint8 [H, W]
    """
    height, width = z_here.shape
    limit = float(1 << 20)
    for i in range(height):
        for j in range(width):
            z = z_here[i, j]
            x = (j - k[2]) / k[0] * z
            y = (i - k[3]) / k[1] * z
            zp = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
            px, py = float(j), float(i)
            if zp > 0.01:
                xp = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
                yp = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
                px = xp / zp * k[0] + k[2]
                py = yp / zp * k[1] + k[3]
            px = min(max(px * FRACTION + 0.5, -limit), limit)
            py = min(max(py * FRACTION + 0.5, -limit), limit)
            fx, fy = int(np.floor(px)), int(np.floor(py))
            gi, gj = i // cell, j // cell
            a, b = i - gi * cell, j - gj * cell
            w00, w01 = (cell - a) * (cell - b), (cell - a) * b
            w10, w11 = a * (cell - b), a * b
            area = cell * cell
            fx += (grid[gi, gj, 0] * w00 + grid[gi, gj + 1, 0] * w01 + grid[gi + 1, gj, 0] * w10
                   + grid[gi + 1, gj + 1, 0] * w11 + area // 2) // area  # fmt: skip
            fy += (grid[gi, gj, 1] * w00 + grid[gi, gj + 1, 1] * w01 + grid[gi + 1, gj, 1] * w10
                   + grid[gi + 1, gj + 1, 1] * w11 + area // 2) // area  # fmt: skip
            out[i, j, 0], out[i, j, 1] = fx, fy
            jj, ii = (fx + FRACTION // 2) // FRACTION, (fy + FRACTION // 2) // FRACTION
            seen[i, j] = 0
            if zp > 0.01 and 0 <= ii < height and 0 <= jj < width:
                there = z_there[ii, jj]
                seen[i, j] = 1 if abs(there - zp) < 0.05 + 0.03 * zp else 0


@njit(cache=True, nogil=True)
def sample(reference, positions, seen, ratio_x, ratio_y, gain, bias, share, total, weight):
    """Add the warped plane to `total` (int32 [rows, columns], sixteenths) and its visibility to `weight`.

    reference  int16 samples of the earlier plane; positions: `flow` of the full-resolution picture
    gain       in 1/1024, bias in sixteenths: the change of exposure
    A sample that is seen counts 256 * `share`, one that is not counts `share`, so that something is there in any case.
    """
    height, width = reference.shape
    rows, columns = total.shape
    top, left = positions.shape[0] - 1, positions.shape[1] - 1
    count = ratio_x * ratio_y
    for i in range(rows):
        for j in range(columns):
            x, y, visible = 0, 0, 0
            for a in range(ratio_y):
                for b in range(ratio_x):
                    # Blocks reach over the picture's edge: beyond it the motion of the edge goes on.
                    yy, xx = i * ratio_y + a, j * ratio_x + b
                    ye, xe = min(yy, top), min(xx, left)
                    x += positions[ye, xe, 0] + (xx - xe) * FRACTION
                    y += positions[ye, xe, 1] + (yy - ye) * FRACTION
                    visible += seen[ye, xe]
            # Pixel centres: a coarse sample lies between the fine ones that it covers.
            x = (x // count + FRACTION // 2) // ratio_x - FRACTION // 2
            y = (y // count + FRACTION // 2) // ratio_y - FRACTION // 2
            x0, y0 = x // FRACTION, y // FRACTION
            part_x, part_y = x - x0 * FRACTION, y - y0 * FRACTION
            value = np.int64(0)
            for a in range(4):
                ii = min(max(y0 - 1 + a, 0), height - 1)
                line = np.int64(0)
                for b in range(4):
                    jj = min(max(x0 - 1 + b, 0), width - 1)
                    line += KERNEL[part_x, b] * np.int64(reference[ii, jj])
                value += KERNEL[part_y, a] * (line >> 6)
            value = (value + (1 << 17)) >> 18
            value = min(max((value * gain + 512 >> 10) + bias, -2048), 2032)
            w = share << 8 if 2 * visible >= count else share
            total[i, j] += w * value
            weight[i, j] += w
