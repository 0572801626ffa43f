"""Volumes as three slices and a surface: flat in four panels, or where they are in space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.io.volumes import Volume
from geo3d.types import TriangleMesh
from geo3d_viewer.flat_scene import plate
from geo3d_viewer.panels import side_by_side
from geo3d_viewer.scene import MeshLayer, Scene

_MOST_SIDE = 192
_MILLIMETRE = 1e-3


def voxels_3d(volume: Volume) -> NDArray[np.float32]:
    """[Z, Y, X] float32 of a volume; of several times the first."""
    voxels = volume.voxels[0] if volume.voxels.ndim == 4 else volume.voxels
    if voxels.ndim != 3:
        raise ShapeError(f"a volume to look at has three dimensions, got shape {list(volume.voxels.shape)}")
    return np.nan_to_num(voxels.astype(np.float32))


def volume_scene(volume: Volume, name: str, level: float | None = None) -> Scene:
    """The surface at value `level` (None: between background and object, Otsu 1979), metres, z up.

    Volumes with more than 192 voxels a side are thinned first.
    """
    import open3d as o3d

    voxels = voxels_3d(volume)
    step = max(1, -(-max(voxels.shape) // _MOST_SIDE))
    thin = voxels[:: min(step, max(1, voxels.shape[0] // 2)), ::step, ::step]
    scale = np.array(voxels.shape[::-1], dtype=np.float64) / np.array(thin.shape[::-1])
    level = otsu(thin) if level is None else level
    padded = np.pad(thin, 1, constant_values=float(thin.min()))
    surface = o3d.t.geometry.TriangleMesh.create_isosurfaces(o3d.core.Tensor.from_numpy(padded), [float(level)])
    notes = (f"{name}: surface at {level:.4g}",)
    if not len(surface.vertex.positions):
        raise ShapeError(f"no surface: no voxel of '{name}' crosses the value {level:.4g}")
    index = (surface.vertex.positions.numpy().astype(np.float64) - 1) * scale
    affine = _affine(volume)
    vertices = (index @ affine[:3, :3].T + affine[:3, 3]) * _MILLIMETRE
    faces = surface.triangle.indices.numpy().astype(np.int32)
    # Inside is where the values are high; a mirroring affine turns the faces over.
    faces = faces[:, ::-1] if np.linalg.det(affine[:3, :3]) < 0 else faces
    layer = MeshLayer(f"{name}/surface", TriangleMesh(vertices, faces))
    return Scene((layer,), up=np.array([0, 0, 1.0]), title=name, notes=notes)


def slice_layers(volume: Volume, name: str) -> tuple[MeshLayer, ...]:
    """The middle slices across z, y and x as pictures where they are in space, metres."""
    grey = _grey(voxels_3d(volume))
    affine = _affine(volume)
    sides = np.array(grey.shape[::-1])
    layers = []
    for axis in range(3):
        k = int(sides[axis]) // 2
        across, down = (a for a in range(3) if a != axis)
        corners = np.full((4, 3), float(k))
        # Picture edges are half a voxel beyond the voxels' centres; rows count downwards.
        corners[:, across] = np.array([0, 1, 1, 0]) * sides[across] - 0.5
        corners[:, down] = np.array([1, 1, 0, 0]) * sides[down] - 0.5
        pixels = np.rint(255 * np.take(grey, k, axis=2 - axis)).astype(np.uint8)
        vertices = (corners @ affine[:3, :3].T + affine[:3, 3]) * _MILLIMETRE
        layers.append(plate(f"{name}/slice {'xyz'[axis]} {k}", vertices, np.repeat(pixels[..., None], 3, axis=2)))
    return tuple(layers)


def opened_scene(volume: Volume, name: str) -> Scene:
    """The surface with the octant that faces the viewer cut away, and the three slices that this lays bare."""
    slices = slice_layers(volume, name)
    middle = np.mean([la.mesh.vertices.mean(axis=0) for la in slices], axis=0)
    # The viewer stands where x and z are high and y is low.
    toward = np.array([1.0, -1.0, 1.0])
    try:
        scene = volume_scene(volume, name)
    except ShapeError as error:
        return Scene(slices, up=np.array([0, 0, 1.0]), forward=-toward, title=name, notes=(str(error),))
    surface = scene.layers[0]
    assert isinstance(surface, MeshLayer)
    is_front = ((surface.mesh.vertices - middle) * toward > 0).all(axis=1)
    kept = surface.of_faces(~is_front[surface.mesh.faces].all(axis=1))
    return replace(scene, layers=(kept, *slices), forward=-toward)


def _grey(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Voxels from 0 to 1: all but the darkest and the brightest half per cent."""
    low, high = np.percentile(voxels, [0.5, 99.5])
    return np.clip((voxels - low) / ((high - low) or 1.0), 0, 1)


def _affine(volume: Volume) -> NDArray[np.float64]:
    return np.eye(4) if volume.affine is None else volume.affine


def otsu(values: NDArray[np.float32], bins: int = 256) -> float:
    """The threshold that splits values into two groups of the least variance (Otsu 1979)."""
    low, high = np.percentile(values, [0.1, 99.9])
    if high <= low:
        return float(low)
    counts, edges = np.histogram(values, bins, (low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    best = np.flatnonzero(np.nan_to_num(spread) == np.nan_to_num(spread).max())
    return float(edges[int(best.mean()) + 1])


def volume_picture(volume: Volume, name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Middle slices across z, y and x and the surface, four panels of `size` pixels each."""
    from geo3d_viewer.snapshots import picture

    voxels = voxels_3d(volume)
    grey = _grey(voxels)
    sx, sy, sz = volume.spacing or (1.0, 1.0, 1.0)
    depth, height, width = voxels.shape
    # Slices across y and x stand on their feet: their first row is the last z.
    slices = [
        (grey[depth // 2], sy, sx, f"z {depth // 2} of {depth}"),
        (grey[::-1, height // 2], sz, sx, f"y {height // 2} of {height}"),
        (grey[::-1, :, width // 2], sz, sy, f"x {width // 2} of {width}"),
    ]
    images = [_fitted(pixels, down, across, size) for pixels, down, across, _ in slices]
    titles = [f"{name}: {title}" for *_, title in slices]
    try:
        scene = volume_scene(volume, name)
        images.append(picture(scene, size)[0].color)
        titles.append(scene.notes[0])
    except ShapeError:
        # A volume of one value has slices, but no surface.
        pass
    return side_by_side(images, titles, columns=2)


def _fitted(pixels: NDArray[np.float32], down: float, across: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A slice in the middle of a black panel, as large as fits, its pixels `down` by `across` millimetres."""
    from PIL import Image

    height, width = pixels.shape[0] * down, pixels.shape[1] * across
    scale = min(size[0] / width, size[1] / height)
    shown = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).resize(shown, Image.Resampling.BICUBIC)
    panel = Image.new("RGB", size)
    panel.paste(image, ((size[0] - shown[0]) // 2, (size[1] - shown[1]) // 2))
    return np.asarray(panel)
