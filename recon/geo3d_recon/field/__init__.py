"""Radiance fields of scans: colour by direction on the fused surface, trained in minutes, stored by the suite's codec.

    read pictures ─▶ fuse depth ─▶ calibrate colour camera ─▶ mean colours ─▶ correct poses, exposures ─▶ train
                     (surface)       (pairs of pictures)        (tables)          (against the tables)

`reconstruct_field` makes one from an RGB-D folder, `write_field` and `read_field` keep it, `RadianceField.render`
shows it.  The names load on first use: who only asks whether a file is a field needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo3d.lazy import lazy_names

if TYPE_CHECKING:
    from geo3d_recon.field.coding import FieldSize as FieldSize
    from geo3d_recon.field.coding import read_field as read_field
    from geo3d_recon.field.coding import write_field as write_field
    from geo3d_recon.field.model import RadianceField as RadianceField
    from geo3d_recon.field.options import FieldOptions as FieldOptions
    from geo3d_recon.field.scan import reconstruct_field as reconstruct_field
    from geo3d_recon.field.train import train_field as train_field

_PUBLIC = {
    "FieldOptions": "geo3d_recon.field.options",
    "FieldSize": "geo3d_recon.field.coding",
    "RadianceField": "geo3d_recon.field.model",
    "read_field": "geo3d_recon.field.coding",
    "reconstruct_field": "geo3d_recon.field.scan",
    "train_field": "geo3d_recon.field.train",
    "write_field": "geo3d_recon.field.coding",
}

__all__ = sorted(_PUBLIC)
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
