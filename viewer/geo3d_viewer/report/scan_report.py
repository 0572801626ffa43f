"""`report.html` of a scan: what was fused, how the camera went, what became of every frame."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.io import RGBDDataset, open_rgbd
from geo3d.io.atomic import write_text
from geo3d.scan.options import ProductOptions
from geo3d.scan.output import raw_bytes, trajectory_error
from geo3d.scan.result import ScanResult
from geo3d_viewer.camera import looking_along
from geo3d_viewer.costs import cost_of, cost_picture, walk_bytes
from geo3d_viewer.framing import visible_points
from geo3d_viewer.palette import palette
from geo3d_viewer.report.page import Section, figure, page, table
from geo3d_viewer.report.plots import Series, line_plot
from geo3d_viewer.scan_scene import scan_scene
from geo3d_viewer.snapshots import picture

_SHOWN_FRAMES = 6
_LISTED_FRAMES = 200
_CONTAINER = "scan.g3c"


def write(result: ScanResult, folder: Path, options: ProductOptions | None = None) -> dict[str, Any]:
    """Write `folder/report.html`; return its name and bytes."""
    try:
        dataset: RGBDDataset | None = open_rgbd(result.dataset)
    except Geo3DError:
        # The folder may be gone by now; the scan itself can still be told of.
        dataset = None
    sections = [Section("Summary", _summary(result, dataset, folder))]
    if len(result.mesh.faces) or len(result.cloud):
        sections.append(Section("Surface", _surface(result)))
    if len(result.trajectory):
        sections.append(Section("Camera", _camera(result)))
    if dataset is not None and len(result.posed):
        sections.append(Section("Frames", _frames(result, dataset)))
    if (folder / _CONTAINER).is_file():
        coded = _coded_frames(folder / _CONTAINER)
        if coded:
            sections.append(Section(f"Colour frames in {_CONTAINER}", coded))
    unused = [f for f in result.frames if f.state != "posed"]
    if unused:
        sections.append(Section("Frames that were not used", _unused(unused)))
    path = folder / "report.html"
    write_text(path, page(f"Scan of {result.dataset.name}", sections))
    return {"report": path.name, "bytes": path.stat().st_size}


def _summary(result: ScanResult, dataset: RGBDDataset | None, folder: Path) -> str:
    states = Counter(f.state for f in result.frames)
    rows: list[list[Any]] = [["frames", f"{states['posed']} of {len(result.frames)} with a pose"]]
    rows += [[f"frames {state}", str(states[state])] for state in ("lost", "skipped") if states[state]]
    error = trajectory_error(dataset, result) if dataset is not None else None
    if error is not None:
        rows.append(["distance to the given poses (ATE)", f"{100 * error:.2f} cm RMSE"])
    if len(result.trajectory) > 1:
        steps = np.linalg.norm(np.diff(result.trajectory.positions, axis=0), axis=1)
        rows.append(["path of the camera", f"{steps.sum():.2f} m"])
    rows += [["points", f"{len(result.cloud):,}"], ["faces", f"{len(result.mesh.faces):,}"]]
    if dataset is not None:
        rows.append(["files of these frames (depth and colour)", f"{raw_bytes(dataset, result):,} bytes"])
    if (folder / _CONTAINER).is_file():
        rows.append(["scan.g3c (all of it in one file)", f"{(folder / _CONTAINER).stat().st_size:,} bytes"])
    rows += [[f"time: {stage}", f"{value:.1f} s"] for stage, value in result.seconds.items()]
    return table(rows)


def _level_axes(result: ScanResult) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors right, ahead and up of a map in which the first camera looks ahead."""
    up = np.asarray(result.up, dtype=np.float64) / np.linalg.norm(result.up)
    ahead = result.trajectory.T_world_camera[0, :3, 2] if len(result.trajectory) else np.eye(3)[np.argmin(np.abs(up))]
    ahead = ahead - (ahead @ up) * up
    if np.linalg.norm(ahead) < 1e-6:
        ahead = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    ahead = ahead / np.linalg.norm(ahead)
    return np.cross(ahead, up), ahead, up


def _surface(result: ScanResult) -> str:
    scene = scan_scene(result)
    front = picture(scene, (540, 405))[0].color
    _, ahead, up = _level_axes(result)
    above = looking_along(visible_points(scene), -up, ahead, 4 / 3)
    top = picture(scene, (380, 285), above)[0].color
    return f'<div class="row">{figure(front, "with the camera path")}{figure(top, "from above")}</div>'


def _camera(result: ScanResult) -> str:
    """A map seen from above, and the height over time."""
    right, ahead, up = _level_axes(result)
    p = result.trajectory.positions - result.trajectory.positions[0]
    times = result.trajectory.timestamps - result.trajectory.timestamps[0]
    way = line_plot([Series("camera", p @ right, p @ ahead)], "right (m)", "ahead (m)", (475, 340), equal=True)
    height = line_plot([Series("camera", times, p @ up)], "time (s, or frames)", "height (m)", (475, 340))
    lines = "\n".join(
        f"{t:.6f} " + " ".join(f"{v:.6f}" for v in T[:3].ravel())
        for t, T in zip(result.trajectory.timestamps, result.trajectory.T_world_camera, strict=True)
    )
    poses = (
        f"<details><summary>poses: time, then the rows of [R | t]</summary><pre>{html.escape(lines)}</pre></details>"
    )
    return f'<div class="row">{way}{height}</div>{poses}'


def _frames(result: ScanResult, dataset: RGBDDataset) -> str:
    chosen = np.unique(np.linspace(0, len(result.posed) - 1, min(_SHOWN_FRAMES, len(result.posed))).round().astype(int))
    figures = []
    for k in chosen:
        try:
            frame = dataset.load(int(result.posed[k]))
        except Geo3DError:
            continue
        depth = _small(_depth_colors(frame.depth_metres()))
        image = depth if frame.color is None else np.concatenate([_small(frame.color), depth], axis=1)
        figures.append(figure(image, frame.name, quality=80))
    return "".join(figures)


def _coded_frames(path: Path) -> str:
    """Bytes of every colour frame over the walk, and where the bits of a usual and of the dearest frame went."""
    try:
        sizes = walk_bytes(path)
    except Geo3DError:
        # A container of another version is no reason to lose the report.
        return ""
    if not sizes:
        return ""
    values = np.array(list(sizes.values()))
    plot = line_plot([Series("bytes", np.arange(len(values), dtype=float), values)], "frame", "bytes", (960, 300))
    order = np.argsort(values, kind="stable")
    shown = dict.fromkeys(list(sizes)[k] for k in (order[len(order) // 2], order[-1]))
    figures = []
    for name in shown:
        try:
            cost = cost_of(path, name)
        except Geo3DError:
            # PNG frames have no blocks.
            continue
        figures.append(figure(cost_picture(cost), f"{name}: {cost.bytes:,} bytes", quality=80))
    return plot + "".join(figures)


def _depth_colors(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    measured = depth > 0
    if not measured.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    low, high = np.percentile(depth[measured], [2, 98])
    colors = palette(1 - (depth - low) / max(high - low, 1e-6))
    colors[~measured] = 0
    return colors


def _small(image: NDArray[np.uint8], width: int = 240) -> NDArray[np.uint8]:
    from PIL import Image

    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def _unused(frames: list[Any]) -> str:
    text = table([[f.name, f.state, f.reason] for f in frames[:_LISTED_FRAMES]], ("frame", "state", "reason"))
    more = len(frames) - _LISTED_FRAMES
    return text + (f"<p>and {more} more (see report.json)</p>" if more > 0 else "")
