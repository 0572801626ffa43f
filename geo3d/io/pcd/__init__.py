"""PCD files as fields and columns; clouds are made of them in `geo3d.io.points.pcd`."""

from geo3d.io.pcd.body import read_columns as read_columns
from geo3d.io.pcd.fields import cloud_from_fields as cloud_from_fields
from geo3d.io.pcd.fields import fields_from_cloud as fields_from_cloud
from geo3d.io.pcd.header import parse_header as parse_header
from geo3d.io.pcd.writer import PcdEncoding as PcdEncoding
from geo3d.io.pcd.writer import encode_pcd as encode_pcd
