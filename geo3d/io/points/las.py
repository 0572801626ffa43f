"""LAS and LAZ, through laspy."""

from __future__ import annotations

from pathlib import Path

from geo3d.io.points.las_reading import LasLayout, all_records, cloud_of_records, open_las
from geo3d.io.points.las_writing import write_las
from geo3d.types import PointCloud


class LasFormat:
    """LAS 1.0 to 1.4 and LAZ.

    points      float64 metres (integers where the header's scale is 1 and its offset whole)
    colors      16-bit values reduced to 8 where that is exact; else the high bytes, and `color16` [N, 3] keeps all
    attributes  every other dimension by laspy's name (intensity, classification, gps_time, ..., extra bytes);
                standard ones that are zero everywhere are left out; `NAME_exact` is read as NAME
    metadata    las_version, las_point_format, las_scales, las_offsets, crs_wkt: the writer uses them again
    """

    name = "LAS / LAZ"
    suffixes = (".las", ".laz")
    keeps = "coordinates to a scale, colours, every attribute"

    def read(self, path: Path) -> PointCloud:
        with open_las(path) as reader:
            records = all_records(reader)
            layout = LasLayout()
            layout.add(reader.header, records)
            return cloud_of_records(reader.header, records, layout)

    def write(self, path: Path, cloud: PointCloud, *, scale: float | None = None) -> None:
        """Write LAS (or LAZ by the suffix).

        scale  the step of the coordinates in metres.  Left to itself: that of the file the cloud came from if it still
               holds every point to a millionth of a step, else 1 for integer points, else the finest power of ten
               from 1e-6 that the extent allows (1 um up to 1 km, 10 um up to 10 km, ...)
        """
        write_las(path, [cloud], scale)
