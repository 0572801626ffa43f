"""Point-cloud files, one format a module."""

from geo3d.io.points.format import PointFormat as PointFormat
from geo3d.io.points.registry import POINT_FORMATS as POINT_FORMATS
from geo3d.io.points.registry import point_format as point_format
from geo3d.io.points.registry import read_points as read_points
from geo3d.io.points.registry import write_points as write_points
