"""`geo3d reconstruct --fill-holes`."""

from __future__ import annotations

import time
from pathlib import Path


def fill_mesh(path: Path, out: Path, as_json: bool) -> None:
    """Read a mesh, or a scan's folder, fill its surrounded holes, write it, report it."""
    from geo3d.console import report
    from geo3d.io import read_mesh
    from geo3d_recon.fill import fill_holes
    from geo3d_recon.mesh_file import write_mesh

    mesh = read_mesh(path / "mesh.ply" if path.is_dir() else path)
    start = time.perf_counter()
    result = fill_holes(mesh)
    seconds = time.perf_counter() - start
    write_mesh(out, result.mesh)
    numbers = {
        "vertices": len(result.mesh.vertices),
        "faces": len(result.mesh.faces),
        "watertight": result.mesh.is_watertight,
        "seconds": seconds,
        "loops": result.loops,
        "surrounded": result.surrounded,
        "filled": result.filled,
        "area": result.area,
    }
    report(numbers, as_json=as_json)
