"""PCD clouds: ascii, binary and binary_compressed."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from geo3d.errors import FormatError
from geo3d.io.files import read_bytes
from geo3d.io.pcd import PcdEncoding, cloud_from_fields, encode_pcd, fields_from_cloud, parse_header, read_columns
from geo3d.types import PointCloud

_HERE = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)


class PcdFormat:
    """PCD of the Point Cloud Library; every field is kept with its type, NaN points of organised clouds too.

    `metadata` keeps `width` and `height` of organised clouds and a `viewpoint` (tx ty tz qw qx qy qz) that is not the
    identity.  As in PCL, the viewpoint says where the sensor was; it is not applied to the points.
    """

    name = "PCD"
    suffixes = (".pcd",)
    keeps = "everything, dtypes included"

    def read(self, path: Path) -> PointCloud:
        data = read_bytes(path)
        try:
            header = parse_header(data)
            metadata: dict[str, object] = {}
            if header.height > 1:
                metadata.update(width=header.width, height=header.height)
            if header.viewpoint != _HERE:
                metadata["viewpoint"] = header.viewpoint
            return cloud_from_fields(read_columns(data, header), metadata)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    def write(self, path: Path, cloud: PointCloud, *, encoding: PcdEncoding = "binary") -> None:
        """Write in the cloud's own dtypes; `encoding` is binary, ascii or binary_compressed."""
        if encoding not in get_args(PcdEncoding):
            raise FormatError(f"unknown PCD encoding '{encoding}' (known: {', '.join(get_args(PcdEncoding))})")
        width, height = cloud.metadata.get("width"), cloud.metadata.get("height")
        size = (len(cloud), 1)
        if isinstance(width, int) and isinstance(height, int) and width * height == len(cloud):
            size = (width, height)
        viewpoint = cloud.metadata.get("viewpoint", _HERE)
        path.write_bytes(encode_pcd(fields_from_cloud(cloud), encoding, size, tuple(map(float, viewpoint))))
