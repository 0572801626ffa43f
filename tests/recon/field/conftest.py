"""A small rendered walk through a room, with poses: what fields are made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geo3d.synthetic import SENSORS, random_room, random_walk, write_sequence


@pytest.fixture(scope="session")
def walk_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames of 160 x 120 pixels with near-perfect depth."""
    folder = tmp_path_factory.mktemp("walk")
    sensor = SENSORS["tof"]
    sensor = replace(
        sensor, camera=sensor.camera.resized(160, 120), noise=0.0005, flying=0.0, depth_scale=1000, far=20.0
    )
    room = random_room(5)
    write_sequence(folder, room, sensor, random_walk(room, 12, seed=1, metres_per_frame=0.04))
    return folder
