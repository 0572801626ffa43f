"""Which volume format a path means."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.atomic import atomic_path
from geo3d.io.files import bare_suffix, existing_file, is_compressed
from geo3d.io.volumes.arrays import NpyVolumeFormat, TiffFormat
from geo3d.io.volumes.dicom import DicomFormat, rescale
from geo3d.io.volumes.nifti import NiftiFormat
from geo3d.io.volumes.nrrd import NrrdFormat
from geo3d.io.volumes.volume import Volume, VolumeFormat

_FORMATS: tuple[VolumeFormat, ...] = (NiftiFormat(), NrrdFormat(), NpyVolumeFormat(), TiffFormat(), DicomFormat())
VOLUME_FORMATS: dict[str, VolumeFormat] = {suffix: f for f in _FORMATS for suffix in f.suffixes}


def format_of(path: Path) -> VolumeFormat:
    """The format that a path's name means; a folder (or a name without suffix) is DICOM, or TIFF if it holds that."""
    if path.is_dir():
        tiffs = any(p.suffix.lower() in TiffFormat.suffixes for p in path.iterdir())
        return VOLUME_FORMATS[".tif" if tiffs else ""]
    suffix = bare_suffix(path, tuple(s for s in VOLUME_FORMATS if s))
    if suffix not in VOLUME_FORMATS:
        known = ", ".join(s or "a folder" for s in VOLUME_FORMATS)
        hint = "; of DICOM slices give their folder" if suffix in (".dcm", ".ima", ".dicom") else ""
        raise FormatError(f"{path}: '{suffix}' is no volume format (known: {known}){hint}")
    return VOLUME_FORMATS[suffix]


def read_volume(path: str | os.PathLike[str]) -> Volume:
    """Read a volume file, or a folder of DICOM or TIFF slices."""
    path = Path(path)
    if not path.is_dir():
        existing_file(path)
    return format_of(path).read(path)


def write_volume(path: str | os.PathLike[str], volume: Volume) -> None:
    """Write a volume in the format that the path's name means; it appears whole or not at all."""
    path = Path(path)
    kind = format_of(path)
    if kind.name != "nifti" and is_compressed(path):
        raise FormatError(f"cannot write {path}: of volumes only NIfTI is written gzipped")
    if kind.name != "dicom":
        if volume.source == "dicom":
            rescale(volume)
        with atomic_path(path) as temporary:
            kind.write(temporary, volume)
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FormatError(f"cannot write {path}: a DICOM series needs a new or empty folder")
    parent = path.resolve().parent
    if not parent.is_dir():
        raise FormatError(f"cannot write {path}: the folder {parent} does not exist")
    work = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
    try:
        kind.write(work, volume)
        if path.exists():
            path.rmdir()
        work.chmod(0o755)
        os.replace(work, path)
    finally:
        shutil.rmtree(work, ignore_errors=True)
