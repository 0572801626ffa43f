"""A field from an RGB-D folder or the output of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geo3d.errors import ReconstructionError
from geo3d.export import open_scan
from geo3d_recon.field.model import RadianceField
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.pictures import load_pictures
from geo3d_recon.field.surface import fuse_surface
from geo3d_recon.field.train import Progress, train_field


def reconstruct_field(
    scan: str | Path, options: FieldOptions | None = None, *, frames: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> RadianceField:  # fmt: skip
    """Train a field on a scan: an RGB-D folder with poses, or the output folder of `geo3d scan`.

    frames  train on these only (numbers in the folder); surface and colours see no others

    Raises `ReconstructionError` where poses or colours are missing.
    """
    options = options or FieldOptions()
    start = options.clock()
    dataset = open_scan(scan).dataset
    posed = [i for i, T in enumerate(dataset.T_world_camera) if T is not None and (frames is None or i in frames)]
    if not posed:
        raise ReconstructionError(f"{dataset.folder} has no poses; run `geo3d scan` on it and give its output folder")
    pictures = load_pictures(dataset, posed)
    surface = fuse_surface(dataset, {i: T for i in posed if (T := dataset.T_world_camera[i]) is not None})
    return train_field(pictures, surface, options, progress, start)
