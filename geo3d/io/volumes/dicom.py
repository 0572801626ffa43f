"""A folder of DICOM slices of one series: everything around the pixels is kept byte for byte."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.volumes.volume import Volume, native, pack_parts, unpack_parts
from geo3d.optional import require

_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# How far, in pixels, a slice may lie beside the line through the others: positions are rounded when written.
_ASIDE = 0.5


class DicomFormat:
    """A folder whose files are the slices of one series; other files beside them are refused, not dropped."""

    name = "dicom"
    suffixes = ("",)

    def read(self, path: Path) -> Volume:
        files = [p for p in sorted(path.iterdir()) if p.is_file() and not p.name.startswith(".")]
        if not files:
            raise FormatError(f"{path} is an empty folder; a DICOM series was expected")
        slices = [_Slice(p) for p in files]
        series: dict[str, int] = {}
        for s in slices:
            series[s.series] = series.get(s.series, 0) + 1
        if len(series) > 1:
            found = "; ".join(f"{uid}: {n} files" for uid, n in series.items())
            raise FormatError(f"{path} mixes {len(series)} DICOM series ({found}); put one series in a folder")
        _check_alike(slices, path)
        affine = _order(slices, path)
        voxels = np.zeros((len(slices), *slices[0].pixels.shape), slices[0].pixels.dtype)
        for k, s in enumerate(slices):
            # Freed one by one, so that a large series is not in memory twice.
            voxels[k], s.pixels = s.pixels, np.zeros((0, 0), voxels.dtype)
        parts = [part for s in slices for part in (s.name.encode(), s.before, s.after)]
        return Volume(voxels, affine, self.name, pack_parts([b">" if slices[0].big else b"<", *parts]))

    def write(self, path: Path, volume: Volume) -> None:
        if volume.source != self.name:
            raise FormatError(
                f"cannot write {path}: a DICOM folder needs a DICOM header, this volume came from "
                f"{volume.source or 'an array'}; write .nii.gz, .nrrd or .npy"
            )
        order, *parts = unpack_parts(volume.header)
        if len(parts) != 3 * len(volume.voxels):
            raise FormatError(f"{len(parts) // 3} DICOM headers do not fit {len(volume.voxels)} slices")
        for k, pixels in enumerate(volume.voxels):
            name = parts[3 * k].decode()
            if not name or Path(name).name != name or name in (".", ".."):
                raise FormatError(f"a DICOM slice is called '{name}', which would leave the output folder")
            raw = pixels.astype(pixels.dtype.newbyteorder(order.decode())).tobytes()
            (path / name).write_bytes(parts[3 * k + 1] + raw + parts[3 * k + 2])


class _Slice:
    """One file: its pixels, the bytes before and after them, and where it lies."""

    def __init__(self, path: Path) -> None:
        pydicom = require("pydicom", "volume", "reading DICOM")
        self.name = path.name
        data = path.read_bytes()
        try:
            dataset = pydicom.dcmread(io.BytesIO(data))
            if "PixelData" not in dataset:
                raise FormatError(f"{path} holds no picture; keep only the slices of one series in the folder")
            if dataset.file_meta.TransferSyntaxUID.is_compressed:
                # The same picture keeps its identity.
                dataset.decompress(generate_instance_uid=False)
                stream = io.BytesIO()
                dataset.save_as(stream)
                data = stream.getvalue()
                dataset = pydicom.dcmread(io.BytesIO(data))
            self._fill(path, data, dataset)
        except FormatError:
            raise
        except (pydicom.errors.InvalidDicomError, AttributeError, KeyError) as error:
            raise FormatError(f"{path} is not a DICOM slice ({error})") from error
        except (ValueError, TypeError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            raise FormatError(f"{path}: its pixels cannot be read ({error})") from error

    def _fill(self, path: Path, data: bytes, dataset: Any) -> None:
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        bits = int(dataset.BitsAllocated)
        if bits not in (8, 16, 32) or int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise FormatError(f"{path}: grey pixels of 8, 16 or 32 bits are read, got {bits} bits")
        if int(dataset.get("NumberOfFrames", 1) or 1) != 1:
            raise FormatError(
                f"{path} holds {dataset.NumberOfFrames} frames; folders of single slices are read: split it first"
            )
        self.big = not dataset.file_meta.TransferSyntaxUID.is_little_endian
        kind = "i" if int(dataset.PixelRepresentation) else "u"
        dtype = np.dtype(f"{'>' if self.big else '<'}{kind}{bits // 8}")
        raw = bytes(dataset.PixelData)
        size = rows * columns * dtype.itemsize
        start = data.rfind(raw)
        if len(raw) < size or size == 0 or start < 0:
            raise FormatError(f"{path}: {rows}x{columns} pixels need {size} bytes, the file holds {len(raw)}")
        self.pixels = native(np.frombuffer(raw, dtype, count=rows * columns).reshape(rows, columns))
        self.before, self.after = data[:start], data[start + size :]
        self.series = str(dataset.get("SeriesInstanceUID", ""))
        self.number = int(dataset.get("InstanceNumber", 0) or 0)
        spacing = _floats(dataset.get("PixelSpacing"), 2)
        position = _floats(dataset.get("ImagePositionPatient"), 3)
        orientation = _floats(dataset.get("ImageOrientationPatient"), 6)
        self.placed = position is not None and orientation is not None and spacing is not None
        self.spacing = np.ones(2) if spacing is None else spacing
        self.position = np.zeros(3) if position is None else position
        self.orientation = np.zeros(6) if orientation is None else orientation


def _floats(value: Any, count: int) -> NDArray[np.float64] | None:
    return np.array([float(v) for v in value]) if value is not None and len(value) == count else None


def _check_alike(slices: list[_Slice], path: Path) -> None:
    first = slices[0]
    for s in slices[1:]:
        if s.pixels.shape != first.pixels.shape or s.pixels.dtype != first.pixels.dtype or s.big != first.big:
            raise FormatError(
                f"{path}: {s.name} is {s.pixels.dtype} {list(s.pixels.shape)}, but {first.name} is "
                f"{first.pixels.dtype} {list(first.pixels.shape)}; the slices of a volume are alike"
            )
        if np.abs(s.orientation - first.orientation).max() > 1e-3:
            raise FormatError(f"{path}: {s.name} is oriented otherwise than {first.name}; they are no one volume")
        if np.abs(s.spacing - first.spacing).max() > 1e-4:
            raise FormatError(
                f"{path}: pixels of {s.name} are {s.spacing.tolist()} mm apart, those of {first.name} "
                f"{first.spacing.tolist()} mm; the slices of a volume are alike"
            )


def _order(slices: list[_Slice], path: Path) -> NDArray[np.float64] | None:
    """Sort slices along their normal and return the affine; gaps and double slices are errors."""
    orientation = slices[0].orientation
    if not all(s.placed for s in slices):
        _order_by_number(slices, path)
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    slices.sort(key=lambda s: (float(normal @ s.position), s.name))
    places = np.array([normal @ s.position for s in slices])
    steps = np.diff(places)
    step = float(np.median(steps)) if len(steps) else 1.0
    for k in np.flatnonzero(steps < 1e-3):
        raise FormatError(f"{path}: {slices[k].name} and {slices[k + 1].name} lie at the same place")
    for k in np.flatnonzero(steps > 1.5 * step):
        missing = max(1, round(float(steps[k]) / step) - 1)
        raise FormatError(
            f"{path}: {missing} slice(s) missing between {slices[k].name} and {slices[k + 1].name} "
            f"({steps[k]:.3f} mm apart, others {step:.3f} mm)"
        )
    # A tilted gantry shears the volume: slices move sideways, but all by the same step.
    line = np.linspace(slices[0].position, slices[-1].position, len(slices))
    aside = np.array([s.position for s in slices]) - line
    aside -= np.outer(aside @ normal, normal)
    worst = int(np.linalg.norm(aside, axis=1).argmax())
    if (off := float(np.linalg.norm(aside[worst]))) > _ASIDE * float(slices[0].spacing.min()):
        raise FormatError(
            f"{path}: {slices[worst].name} lies {off:.3f} mm beside the line through the other slices; "
            "they are no one volume"
        )
    affine = np.eye(4)
    row_step, column_step = slices[0].spacing
    affine[:3, 0] = orientation[:3] * column_step
    affine[:3, 1] = orientation[3:] * row_step
    first, last = slices[0].position, slices[-1].position
    affine[:3, 2] = (last - first) / (len(slices) - 1) if len(slices) > 1 else normal * step
    affine[:3, 3] = first
    return _TO_RAS @ affine


def _order_by_number(slices: list[_Slice], path: Path) -> None:
    """Sort slices of unknown place by their numbers, if they have any; gaps and double numbers are errors."""
    slices.sort(key=lambda s: (s.number, s.name))
    numbers = [s.number for s in slices]
    if not any(numbers):
        return
    for k, step in enumerate(np.diff(numbers)):
        if step == 0:
            raise FormatError(f"{path}: {slices[k].name} and {slices[k + 1].name} are both number {numbers[k]}")
        if step > 1:
            raise FormatError(
                f"{path}: {step - 1} slice(s) missing between {slices[k].name} (number {numbers[k]}) and "
                f"{slices[k + 1].name} (number {numbers[k + 1]})"
            )


def rescale(volume: Volume) -> tuple[float, float]:
    """(slope, intercept) that turn the stored values of a volume from a DICOM folder into those that they mean.

    Raises `FormatError` where slices have different ones (as is common in PET): such voxels mean something only
    together with the headers of their slices.
    """
    pydicom = require("pydicom", "volume", "reading DICOM")
    found: dict[tuple[float, float], str] = {}
    parts = unpack_parts(volume.header)[1:]
    for name, before in zip(parts[::3], parts[1::3], strict=True):
        dataset = pydicom.dcmread(io.BytesIO(before), stop_before_pixels=True)
        slope, intercept = (dataset.get(tag) for tag in ("RescaleSlope", "RescaleIntercept"))
        pair = (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
        found.setdefault(pair, name.decode())
    if len(found) > 1:
        (first, one), (second, other) = list(found.items())[:2]
        raise FormatError(
            f"slices have different rescale slopes and intercepts ({one}: {first[0]:g}, {first[1]:g}; {other}: "
            f"{second[0]:g}, {second[1]:g}), which only DICOM files keep: write a folder"
        )
    return next(iter(found), (1.0, 0.0))
