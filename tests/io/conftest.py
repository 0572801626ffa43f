"""Clouds of every kind, and damage of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.types import PointCloud


def _damaged(data: bytes, count: int) -> Iterator[bytes]:
    """Cut versions (every length of a small file) and versions with flipped, blown-up and overwritten bytes."""
    chance = random.Random(0)
    lengths = range(len(data)) if len(data) <= count else sorted(chance.sample(range(len(data)), count))
    for length in lengths:
        yield data[:length]
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(len(copy) if chance.random() < 0.5 else min(len(copy), 500))
            match chance.randrange(4):
                case 0:
                    copy[at] ^= 1 << chance.randrange(8)
                case 1:
                    copy[at : at + 4] = b"\xff" * len(copy[at : at + 4])
                case 2:
                    copy[at] = chance.choice(b"0123456789.-eE,; \n")
                case _:
                    copy[at : at + 8] = b"99999999"[: len(copy[at : at + 8])]
        yield bytes(copy)


@pytest.fixture
def survives_damage() -> Callable[[Callable[[Path], Any], Path], None]:
    """Check that a reader answers damaged copies of a file with a result or a `FormatError`, and with nothing else."""

    def check(read: Callable[[Path], Any], path: Path, count: int = 150) -> None:
        data = path.read_bytes()
        target = path.with_name(f"damaged-{path.name}")
        refused = 0
        for damaged in _damaged(data, count):
            target.write_bytes(damaged)
            try:
                read(target)
            except FormatError:
                refused += 1
        assert refused > count // 4, "damage is hardly ever noticed: is the file read at all?"

    return check


@pytest.fixture
def make_cloud() -> Callable[..., PointCloud]:
    """Build a cloud with colours, normals and attributes of many types."""

    def build(
        n: int = 50, *, dtype: Any = np.float64, scale: float = 1.0, seed: int = 0, rich: bool = True
    ) -> PointCloud:
        rng = np.random.default_rng(0)
        points = (rng.normal(size=(n, 3)) * scale).astype(dtype)
        if not rich:
            return PointCloud(points)
        normals = rng.normal(size=(n, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        attributes = {
            "intensity": rng.integers(0, 65536, n).astype(np.uint16),
            "label": rng.integers(-100, 100, n).astype(np.int8),
            "time": rng.uniform(0, 1e9, n),
            "feature": rng.normal(size=(n, 3)).astype(np.float32),
            "valid": rng.integers(0, 2, n).astype(bool),
            "number": rng.integers(-(2**31), 2**31, n),
        }
        return PointCloud(points, rng.integers(0, 256, (n, 3)).astype(np.uint8), normals.astype(np.float32), attributes)

    return build


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Check that two clouds hold the same values in the same types."""

    def check(a: PointCloud, b: PointCloud, *, dtypes: bool = True) -> None:
        for name in ("points", "colors", "normals"):
            x, y = getattr(a, name), getattr(b, name)
            assert (x is None) == (y is None), name
            if x is not None:
                assert np.array_equal(x, y, equal_nan=x.dtype.kind == "f"), name
                assert not dtypes or x.dtype == y.dtype, name
        assert sorted(a.attributes) == sorted(b.attributes)
        for name, x in a.attributes.items():
            y = b.attributes[name]
            assert x.shape == y.shape
            assert np.array_equal(x, y, equal_nan=x.dtype.kind == "f"), name
            assert not dtypes or x.dtype == y.dtype, name

    return check
