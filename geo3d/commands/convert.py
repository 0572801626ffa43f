"""The verb `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro


def convert(
    input: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IN")],
    output: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")],
    /,
    encoding: str | None = None,
    scale: float | None = None,
    drop_nan: bool = False,
    json: bool = False,
) -> None:
    """Convert between file formats: clouds, meshes, recordings, RGB-D folders, COLMAP models, trajectories, volumes.

    The suffixes choose the formats. Clouds: ply pcd las laz e57 xyz txt asc csv npy npz, KITTI .bin, nuScenes .pcd.bin
    (ply, pcd, npy and text also packed as .gz or .xz when read). Meshes: ply obj stl off glb. A mesh becomes a cloud
    of its vertices where OUT holds clouds only. What OUT cannot hold is named on stderr; nothing is dropped silently.
    A recording (.r3d, .bag, .mcap, Azure Kinect .mkv, Stray Scanner, Polycam, ARKitScenes) or an RGB-D folder becomes a
    folder with transforms.json, or its poses .tum, .log or .txt; a COLMAP model becomes a cloud, or its poses .tum or
    .log.

    Examples:
      geo3d convert scan.las scan.ply
      geo3d convert scan.ply scan.pcd --encoding binary_compressed
      geo3d convert survey.e57 survey.laz --scale 0.001
      geo3d convert organised.pcd cloud.las --drop-nan
      geo3d convert part.stl part.glb
      geo3d convert desk.mkv desk
      geo3d convert colmap/sparse/0 points.ply
      geo3d convert samples/box_desk poses.tum
      geo3d convert head.nii.gz head.nrrd

    Args:
        input: the file to read.
        output: the file to write.
        encoding: of ply (binary_little_endian, binary_big_endian, ascii) and pcd (binary, ascii, binary_compressed).
        scale: step of las and laz coordinates in metres.
        drop_nan: leave out points with NaN or infinite coordinates, which las, laz and e57 cannot hold.
        json: print one JSON object.
    """
    import time

    from geo3d.commands.convert_other import converted
    from geo3d.console import report, say
    from geo3d.errors import FormatError
    from geo3d.io import read_geometry
    from geo3d.io.messages import collected_messages
    from geo3d.types import TriangleMesh

    if output.exists() and input.exists() and output.samefile(input):
        raise FormatError(f"{output} is the input itself; give another name")
    start = time.perf_counter()
    other = converted(input, output)
    if other is not None:
        report({"output": str(output), **other, "seconds": time.perf_counter() - start}, as_json=json)
        return
    options = {k: v for k, v in (("encoding", encoding), ("scale", scale)) if v is not None}
    with collected_messages() as messages:
        geometry = read_geometry(input)
        if isinstance(geometry, TriangleMesh):
            result = _write_from_mesh(output, geometry, options)
        else:
            if drop_nan:
                geometry, dropped = geometry.finite()
                if dropped:
                    messages.append(f"{dropped} points without finite coordinates are left out")
            result = _write_cloud(output, geometry, options)
    for message in messages:
        say(f"geo3d convert: {message}")
    sizes = {"input_bytes": input.stat().st_size, "bytes": output.stat().st_size}
    result |= {**sizes, "messages": messages, "seconds": time.perf_counter() - start}
    if not json:
        del result["messages"]
    report({"output": str(output), **result}, as_json=json)


def _write_cloud(output: Path, cloud: Any, options: dict[str, Any]) -> dict[str, Any]:
    from geo3d.errors import FormatError
    from geo3d.io import write_points
    from geo3d.io.files import bare_suffix
    from geo3d.io.meshes import MESH_FORMATS
    from geo3d.io.points import POINT_FORMATS

    suffix = bare_suffix(output, tuple(POINT_FORMATS))
    if suffix in MESH_FORMATS and suffix not in POINT_FORMATS:
        raise FormatError(f"{output}: a cloud has no faces to put into {suffix}; make some with `geo3d reconstruct`")
    write_points(output, cloud, **options)
    fields = [k for k in ("colors", "normals") if getattr(cloud, k) is not None]
    return {
        "kind": "cloud",
        "points": len(cloud),
        "dtype": str(cloud.points.dtype),
        "fields": [*fields, *cloud.attributes],
    }


def _write_from_mesh(output: Path, mesh: Any, options: dict[str, Any]) -> dict[str, Any]:
    import logging

    from geo3d.errors import FormatError
    from geo3d.io import write_mesh
    from geo3d.io.files import bare_suffix
    from geo3d.io.meshes import MESH_FORMATS
    from geo3d.io.points import POINT_FORMATS
    from geo3d.types import PointCloud

    suffix = bare_suffix(output, (*POINT_FORMATS, *MESH_FORMATS))
    if suffix not in POINT_FORMATS and suffix not in MESH_FORMATS:
        known = ", ".join([*POINT_FORMATS, *(s for s in MESH_FORMATS if s not in POINT_FORMATS)])
        raise FormatError(f"{output}: '{suffix or 'no suffix'}' is no known format (known: {known})")
    if suffix in POINT_FORMATS and suffix not in MESH_FORMATS:
        logging.getLogger("geo3d.io").warning("%s holds no faces: %d are left out", suffix, len(mesh.faces))
        cloud = PointCloud(mesh.vertices, mesh.vertex_colors, mesh.vertex_normals)
        return _write_cloud(output, cloud, options)
    if options:
        raise FormatError(f"{', '.join(f'--{k}' for k in options)} is an option for clouds; the input is a mesh")
    write_mesh(output, mesh)
    return {"kind": "mesh", "vertices": len(mesh.vertices), "faces": len(mesh.faces)}
