"""The verb `reconstruct`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro


def reconstruct(
    points: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    method: Literal["learned", "wnnc", "poisson", "ball_pivoting", "alpha", "sheet", "field"] = "learned",
    watertight: Literal["auto", "yes", "no"] = "auto",
    faces: int | None = None,
    samples: int | None = None,
    seed: int = 0,
    fill_holes: bool = False,
    minutes: float = 5.0,
    json: bool = False,
) -> None:
    """Make a mesh of a point cloud; no normals needed, any unit, any offset. Or a radiance field of a scan.

    Examples:
      geo3d reconstruct scan.ply -o mesh.ply
      geo3d reconstruct points.npy -o part.stl --watertight yes --faces 20000
      geo3d reconstruct one_side.ply -o whole.ply --samples 4 --seed 7
      geo3d reconstruct scan.ply -o mesh.ply --method ball_pivoting --json
      geo3d reconstruct out/room/mesh.ply -o filled.ply --fill-holes
      geo3d reconstruct samples/box_desk --method field -o field.g3c --minutes 2

    Args:
        points: any point-cloud file that geo3d reads; for a field an RGB-D folder with poses, or a scan's output.
        out: mesh file; .ply keeps colours and the confidence of each vertex (`geo3d view --color-by confidence`), .obj
            colours, also .stl, .off, .glb; for a field .g3c.
        method: how; learned is a network on winding-number normals (up to 30,000 points; then wnnc), wnnc solves
            Poisson on winding-number normals, poisson on normals oriented along a tree, sheet an open surface
            through dense scans; where learned or wnnc misses much of a scan, auto takes sheet and says so. field is
            colour on the fused surface that depends on the direction, for new views (`geo3d view field.g3c`).
        watertight: yes bridges what was not seen, no cuts what no sample vouches for, auto decides.
        faces: reduce the mesh to about this many.
        samples: make so many different whole meshes that all pass through the points and differ where there are none,
            as NAME-1.ply, NAME-2.ply, ... (one: under the name given); drawn from a learned prior over shapes.
        seed: of the samples; the same seed gives the same meshes.
        fill_holes: take a mesh (a scan's mesh.ply, or the folder that holds it) and fill those of its holes that
            surface surrounds, along the learned surface around them; rims and what was hidden stay open.
        minutes: how long a field is trained.
        json: print one JSON object.
    """
    if method == "field":
        from geo3d_recon.commands.reconstruct_field import reconstruct_field

        reconstruct_field(points, out, minutes, json)
        return
    from geo3d.console import report, say
    from geo3d.errors import Geo3DError
    from geo3d.io import read_points
    from geo3d_recon import reconstruct as run
    from geo3d_recon.mesh_file import check_mesh_path, write_mesh

    check_mesh_path(out)
    if fill_holes:
        from geo3d_recon.commands.fill_mesh import fill_mesh

        fill_mesh(points, out, json)
        return
    if samples is not None:
        from geo3d_recon.commands.reconstruct_samples import reconstruct_samples

        if method != "learned" or watertight == "no":
            raise Geo3DError(
                "--samples makes whole meshes by the learned method; leave --method and --watertight no away"
            )
        reconstruct_samples(points, out, samples, seed, faces, json)
        return
    result = run(read_points(points), method=method, watertight=watertight, faces=faces)
    write_mesh(out, result.mesh)
    if result.dropped:
        say(f"{result.dropped} points with NaN or infinite coordinates were left out")
    if result.open_scan and watertight == "auto":
        say("the scan is open: surface that no sample vouches for was cut away (--watertight yes closes it)")
    report(
        {
            "vertices": len(result.mesh.vertices),
            "faces": len(result.mesh.faces),
            "watertight": result.watertight,
            "seconds": result.seconds,
            "method": result.method,
            "open_scan": result.open_scan,
            "dropped": result.dropped,
        },
        as_json=json,
    )
