"""`geo3d reconstruct --samples`."""

from __future__ import annotations

from pathlib import Path


def reconstruct_samples(points: Path, out: Path, samples: int, seed: int, faces: int | None, as_json: bool) -> None:
    """Draw whole meshes, write them, report them."""
    from geo3d.console import report, say
    from geo3d.io import read_points
    from geo3d_recon.completion import complete
    from geo3d_recon.mesh_file import numbered, write_mesh

    results = complete(read_points(points), samples, seed=seed, faces=faces)
    names = numbered(out, samples)
    for name, result in zip(names, results, strict=True):
        write_mesh(name, result.mesh)
    if results[0].dropped:
        say(f"{results[0].dropped} points with NaN or infinite coordinates were left out")
    meshes = [
        {"path": str(n), "vertices": len(r.mesh.vertices), "faces": len(r.mesh.faces), "watertight": r.watertight}
        for n, r in zip(names, results, strict=True)
    ]
    if not as_json:
        for mesh in meshes:
            say(f"{mesh['path']}: {mesh['vertices']} vertices, {mesh['faces']} faces")
    total = {
        "vertices": sum(len(r.mesh.vertices) for r in results),
        "faces": sum(len(r.mesh.faces) for r in results),
        "watertight": all(r.watertight for r in results),
        "seconds": sum(r.seconds for r in results),
        "method": "completion",
        "samples": samples,
        "seed": seed,
        "dropped": results[0].dropped,
    }
    report({**total, "meshes": meshes} if as_json else total, as_json=as_json)
