# mypy: allow-untyped-defs, no-check-untyped-defs
"""The padding of slices and rows, which the neighbourhoods of voxels at the border reach into."""

from __future__ import annotations

from numba import njit

from geo3d_compression.volume.neighbours import PAD


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def begin_slice(index, width, height, middle, planes):
    """Fill the padding above the first row from the slice before, and everything before the first slice."""
    values, error = planes.values, planes.error
    stride = width + 2 * PAD
    if index == 0:
        for i in range(values.shape[1]):
            values[0, i] = middle
            values[1, i] = middle
            values[2, i] = middle
    now, before = index % 3, (index + 2) % 3
    for y in range(PAD):
        for i in range(stride):
            values[now, y * stride + i] = values[before, PAD * stride + i]
            error[index % 2, y * stride + i] = error[(index + 1) % 2, PAD * stride + i]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def end_slice(index, width, height, planes):
    """Repeat the border outwards for the slice that comes next."""
    stride = width + 2 * PAD
    values, error = planes.values[index % 3], planes.error[index % 2]
    for y in range(height):
        start = (y + PAD) * stride + PAD
        for i in range(PAD):
            values[start - 1 - i] = values[start]
    last = (height + PAD - 1) * stride
    for y in range(1, PAD + 1):
        for i in range(stride):
            values[last + y * stride + i] = values[last + i]
            error[last + y * stride + i] = error[last + i]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def begin_row(start, stride, index, planes):
    """Left padding repeats the voxel above the row's first."""
    values, error = planes.values[index % 3], planes.error[index % 2]
    for i in range(PAD):
        values[start - 1 - i] = values[start - stride]
        error[start - 1 - i] = error[start - stride]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def end_row(end, index, planes):
    """Right padding repeats the row's last voxel."""
    values, error = planes.values[index % 3], planes.error[index % 2]
    for i in range(PAD):
        values[end + i] = values[end - 1]
        error[end + i] = error[end - 1]
        for k in range(planes.squared.shape[0]):
            planes.squared[k, index % 2, end + i] = planes.squared[k, index % 2, end - 1]
