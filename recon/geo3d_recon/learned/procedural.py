"""Solid shapes made on the fly: unions and differences of primitives, with thin plates, rods and holes."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.optional import require
from geo3d.types import TriangleMesh


def random_solid(rng: np.random.Generator) -> TriangleMesh:
    """A watertight shape, longest box side 1, centred: one of five kinds, by `manifold3d`'s exact booleans."""
    m3 = require("manifold3d", "mesh", "making procedural training shapes").Manifold
    solid = (_plate, _frame, _blob, _vessel, _tray)[rng.integers(5)](m3, rng)
    solid = solid.rotate(rng.uniform(0, 360, 3).tolist())
    mesh = solid.to_mesh()
    vertices = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return TriangleMesh((vertices - (low + high) / 2) / (high - low).max(), np.asarray(mesh.tri_verts, dtype=np.int32))


def _plate(m3: Any, rng: np.random.Generator) -> Any:
    """A plate 2 to 10 % thick with drilled holes, sometimes with a wall standing on it."""
    x, y, t = rng.uniform(0.5, 1), rng.uniform(0.3, 1), rng.uniform(0.02, 0.1)
    solid = m3.cube([x, y, t], True)
    for _ in range(rng.integers(0, 5)):
        hole = m3.cylinder(1, rng.uniform(0.03, 0.15), circular_segments=24, center=True)
        solid -= hole.translate([*rng.uniform([-x / 2, -y / 2], [x / 2, y / 2]).tolist(), 0])
    if rng.random() < 0.5:
        height = rng.uniform(0.1, 0.5)
        solid += m3.cube([x, rng.uniform(0.02, 0.1), height], True).translate([0, rng.uniform(-y, y) / 3, height / 2])
    return solid


def _frame(m3: Any, rng: np.random.Generator) -> Any:
    """A seat or ring carried by rods, as furniture and machine parts are."""
    radius = rng.uniform(0.015, 0.06)
    if rng.random() < 0.5:
        solid = m3.cube([0.7, 0.7, rng.uniform(0.03, 0.1)], True)
    else:
        solid = m3.cylinder(0.1, 0.4, circular_segments=32, center=True)
        solid -= m3.cylinder(1, 0.4 - rng.uniform(0.05, 0.15), circular_segments=32, center=True)
    for _ in range(rng.integers(2, 7)):
        length = rng.uniform(0.4, 1)
        rod = m3.cylinder(length, radius, radius * rng.uniform(0.5, 1), circular_segments=16)
        angle = rng.uniform(0, 2 * np.pi)
        rod = rod.rotate([rng.uniform(-25, 25), rng.uniform(-25, 25), 0])
        solid += rod.translate([0.33 * np.cos(angle), 0.33 * np.sin(angle), -0.03])
    return solid


def _blob(m3: Any, rng: np.random.Generator) -> Any:
    """Balls, boxes and cylinders joined or cut out."""
    solid = m3.sphere(0.4, 32).scale(rng.uniform(0.4, 1, 3).tolist())
    for _ in range(rng.integers(2, 6)):
        kind = rng.integers(3)
        size = rng.uniform(0.1, 0.4, 3)
        if kind == 0:
            part = m3.sphere(1, 24).scale(size.tolist())
        elif kind == 1:
            part = m3.cube((2 * size).tolist(), True)
        else:
            part = m3.cylinder(3 * size[0], size[1], size[1] * rng.uniform(0.3, 1), circular_segments=24, center=True)
        part = part.rotate(rng.uniform(0, 360, 3).tolist()).translate(rng.uniform(-0.4, 0.4, 3).tolist())
        cut = solid - part
        solid = cut if rng.random() < 0.3 and cut.volume() > 0.3 * solid.volume() else solid + part
    return solid


def _vessel(m3: Any, rng: np.random.Generator) -> Any:
    """A bowl, cup, pipe or vase: a revolved outline with a wall, sometimes with a handle."""
    from manifold3d import CrossSection

    heights = np.linspace(0, rng.uniform(0.3, 1.2), 9)
    waves = rng.normal(size=3) * [0.12, 0.08, 0.04]
    outer = 0.35 + sum(a * np.sin((k + 1) * 2.2 * heights + rng.uniform(0, 6)) for k, a in enumerate(waves))
    outer = outer.clip(0.12, 0.6)
    wall = rng.uniform(0.015, 0.07)
    inner = outer - wall
    bottom = 0.0 if rng.random() < 0.2 else wall
    inside = [(r, max(h, bottom)) for r, h in zip(inner[::-1], heights[::-1], strict=True) if h >= bottom]
    if bottom:
        inside.append((0.0, bottom))
        outline = [(0.0, 0.0), *zip(outer, heights, strict=True), *inside]
    else:
        outline = [*zip(outer, heights, strict=True), *inside]
    solid = CrossSection([outline]).revolve(48)
    if rng.random() < 0.3:
        ring = CrossSection.circle(rng.uniform(0.02, 0.05), 12).translate([rng.uniform(0.12, 0.2), 0]).revolve(32)
        ring = ring.rotate([90, 0, 0]).translate([outer[4] + 0.08, 0, heights[4]])
        solid += ring - m3.cylinder(2, inner.min(), circular_segments=32)
    return solid


def _tray(m3: Any, rng: np.random.Generator) -> Any:
    """A box without a lid, a shelf or a bracket: thin flat walls that stand on each other."""
    size, wall = rng.uniform([0.4, 0.3, 0.1], [1, 1, 0.7]), rng.uniform(0.012, 0.06)
    solid = m3.cube(size.tolist(), True)
    cavity = size - 2 * wall
    lift = rng.choice([0.0, wall, 2 * wall])
    solid -= m3.cube([*cavity[:2].tolist(), float(size[2])], True).translate([0, 0, float(lift)])
    for _ in range(rng.integers(0, 4)):
        axis = rng.integers(2)
        thin = [float(size[0]) - wall, float(size[1]) - wall, float(size[2]) * rng.uniform(0.5, 1) - wall]
        thin[axis] = wall
        at = [0.0, 0.0, 0.0]
        at[axis] = float(rng.uniform(-0.4, 0.4) * size[axis])
        solid += m3.cube(thin, True).translate(at)
    if rng.random() < 0.3:
        solid = solid.trim_by_plane([1.0, 0.3, 0.0], float(-rng.uniform(0, 0.3) * size[0]))
    return solid
