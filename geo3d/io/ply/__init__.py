"""PLY files as elements and columns; clouds and meshes are made of them elsewhere."""

from geo3d.io.ply.body import Columns as Columns
from geo3d.io.ply.body import ListColumn as ListColumn
from geo3d.io.ply.body import read_elements as read_elements
from geo3d.io.ply.header import Header as Header
from geo3d.io.ply.header import parse_header as parse_header
from geo3d.io.ply.vertices import cloud_from_vertices as cloud_from_vertices
from geo3d.io.ply.vertices import vertices_from_cloud as vertices_from_cloud
from geo3d.io.ply.writer import PlyEncoding as PlyEncoding
from geo3d.io.ply.writer import encode_ply as encode_ply
