"""Filling holes of open meshes where surface surrounds them."""

from geo3d_recon.fill.fill_holes import FilledMesh as FilledMesh
from geo3d_recon.fill.fill_holes import fill_holes as fill_holes
