"""A hand-held walk through a room, rendered frame by frame and written as an RGB-D folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from geo3d.console import progress
from geo3d.io.atomic import atomic_path, write_text
from geo3d.synthetic.room import TEXTURE_SIZE, Room
from geo3d.synthetic.sensor import DepthCamera
from geo3d.types import PinholeCamera, RGBDFrame


def random_walk(
    room: Room, frames: int, seed: int, *, metres_per_frame: float = 0.02, knots_per_target: int = 1
) -> NDArray[np.float64]:
    """[frames, 4, 4] camera-to-world poses (OpenCV axes; world z up) on a smooth path inside the room.

    The camera is carried at 1.0 to 1.7 m, looks at changing targets in the room, and never enters furniture by
    more than the path's smoothness makes it.

    Parameters
    ----------
    knots_per_target : half metres that the camera takes to look from one target to the next.
    """
    rng = np.random.default_rng(seed)
    knots = max(4, int(frames * metres_per_frame / 0.5) + 1)
    margin = 0.8
    scene = _scene(room)
    positions = [_free_position(scene, room, rng, margin)]
    while len(positions) < knots:
        step = rng.normal(size=3) * [0.35, 0.35, 0.08]
        p = np.clip(positions[-1] + step, [margin, margin, 1.0], [*(room.size[:2] - margin), 1.7])
        if _distance(scene, p) > 0.35:
            positions.append(p)
    targets = rng.uniform(0.1, 0.9, (knots, 3)) * room.size * [1, 1, 0.7]
    # A target close to the camera would make it spin.
    for i in range(knots):
        while np.linalg.norm(targets[i] - positions[i]) < 1.2:
            targets[i] = rng.uniform(0.0, 1.0, 3) * room.size
    at = np.linspace(0, knots - 1, frames)
    aimed = np.arange(0, knots, knots_per_target)
    directions = CubicSpline(aimed, (targets - np.array(positions))[aimed])(np.minimum(at, aimed[-1]))
    eyes = CubicSpline(np.arange(knots), np.array(positions))(at)
    return np.stack([_look(e, d) for e, d in zip(eyes, directions, strict=True)])


def render_frame(room: Room, sensor: DepthCamera, T_world_camera: NDArray[np.float64], seed: int) -> RGBDFrame:
    """Ray-cast one frame: shaded, textured colour and the sensor's noisy depth."""
    return _Renderer(room, sensor).frame(T_world_camera, seed)


def write_sequence(
    folder: Path, room: Room, sensor: DepthCamera, T_world_camera: NDArray[np.float64], seed: int = 0
) -> None:
    """Write `frame-NNNNNN.{color.png,depth.png,pose.txt}`, `intrinsics.txt` and `meta.json` into `folder`."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    renderer = _Renderer(room, sensor)
    for i, T in enumerate(progress(T_world_camera, "rendering", len(T_world_camera))):
        frame = renderer.frame(T, seed * 100_003 + i)
        name = folder / f"frame-{i:06d}"
        for kind, image in (("color", frame.color), ("depth", frame.depth)):
            with atomic_path(f"{name}.{kind}.png") as temporary:
                Image.fromarray(np.asarray(image)).save(temporary, format="PNG", compress_level=3)
        write_text(f"{name}.pose.txt", "\n".join(" ".join(f"{x:.9g}" for x in row) for row in T) + "\n")
    write_text(folder / "intrinsics.txt", "\n".join(" ".join(f"{x:.9g}" for x in r) for r in sensor.camera.K) + "\n")
    meta = {"width": sensor.camera.width, "height": sensor.camera.height, "depth_scale": sensor.depth_scale}
    write_text(folder / "meta.json", json.dumps(meta) + "\n")


def _scene(room: Room) -> Any:
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        o3d.core.Tensor(room.mesh.vertices.astype(np.float32)), o3d.core.Tensor(room.mesh.faces.astype(np.uint32))
    )
    return scene


def _distance(scene: Any, p: NDArray[np.float64]) -> float:
    import open3d as o3d

    return float(scene.compute_distance(o3d.core.Tensor(p[None].astype(np.float32))).numpy()[0])


def _free_position(scene: Any, room: Room, rng: np.random.Generator, margin: float) -> NDArray[np.float64]:
    for _ in range(1000):
        p = np.array([*(margin + rng.uniform(size=2) * (room.size[:2] - 2 * margin)), rng.uniform(1.0, 1.7)])
        if _distance(scene, p) > 0.4:
            return p
    return room.size / 2


def _look(eye: NDArray[np.float64], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    z = direction / np.linalg.norm(direction)
    x = np.cross(z, [0, 0, 1.0])
    x /= max(float(np.linalg.norm(x)), 1e-6)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = eye
    return T


class _Renderer:
    def __init__(self, room: Room, sensor: DepthCamera) -> None:
        self.room, self.sensor, self.scene = room, sensor, _scene(room)
        self.rays = _camera_rays(sensor.camera)

    def frame(self, T_world_camera: NDArray[np.float64], seed: int) -> RGBDFrame:
        import open3d as o3d

        rng = np.random.default_rng(seed)
        R, t = T_world_camera[:3, :3], T_world_camera[:3, 3]
        directions = self.rays @ R.T
        rays = np.concatenate([np.broadcast_to(t, directions.shape), directions], axis=-1).astype(np.float32)
        hit = self.scene.cast_rays(o3d.core.Tensor(rays))
        # Rays have unit z in the camera, so the hit parameter is the depth itself.
        depth = hit["t_hit"].numpy()
        color = self._color(hit, t + depth[..., None] * directions, directions, rng)
        measured = self.sensor.measure(depth, rng, color.mean(axis=-1))
        return RGBDFrame(measured, self.sensor.camera, self.sensor.depth_scale, color, T_world_camera)

    def _color(
        self, hit: Any, points: NDArray[np.float64], directions: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        face, normal = hit["primitive_ids"].numpy(), hit["primitive_normals"].numpy().astype(np.float64)
        seen = face != np.iinfo(np.uint32).max
        face = np.where(seen, face, 0).astype(np.int64)
        texture = self.room.texture_of_face[face]
        # Texture coordinates: the point dropped along the dominant axis of its normal.
        axis = np.abs(normal).argmax(-1)
        points = np.where(seen[..., None], points, 0)
        if self.room.texture_frame is not None:
            frame = self.room.texture_frame[texture]
            points = (points - frame[..., :3]) * np.where([True, True, False], frame[..., 3:], 1.0)
        u = np.where(axis == 0, points[..., 1], points[..., 0])
        v = np.where(axis == 2, points[..., 1], points[..., 2])
        scale = TEXTURE_SIZE / self.room.texture_metres[texture]
        color = _bilinear(self.room.textures, texture, v * scale, u * scale)
        length = np.linalg.norm(directions, axis=-1)
        facing = np.abs((normal * directions).sum(-1)) / length
        shade = (0.55 + 0.45 * facing) * rng.uniform(0.95, 1.05)
        image = color * shade[..., None] + rng.normal(size=color.shape) * 2.0
        if self.sensor.grey:
            image = np.repeat(image @ [[0.299], [0.587], [0.114]], 3, axis=-1)
        return np.where(seen[..., None], image, 0).clip(0, 255).astype(np.uint8)


def _bilinear(
    textures: NDArray[np.uint8], which: NDArray[Any], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    y0, x0 = np.floor(y), np.floor(x)
    fy, fx = (y - y0)[..., None], (x - x0)[..., None]
    iy, ix = y0.astype(np.int64) % TEXTURE_SIZE, x0.astype(np.int64) % TEXTURE_SIZE
    jy, jx = (iy + 1) % TEXTURE_SIZE, (ix + 1) % TEXTURE_SIZE
    top = textures[which, iy, ix] * (1 - fx) + textures[which, iy, jx] * fx
    bottom = textures[which, jy, ix] * (1 - fx) + textures[which, jy, jx] * fx
    return top * (1 - fy) + bottom * fy


def _camera_rays(camera: PinholeCamera) -> NDArray[np.float64]:
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    return np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=-1)
