import numpy as np
import pytest

from geo3d.errors import RegistrationError
from geo3d.registration.prepare import extent, finite_cloud, prepare_pair, spacing, unit_note
from geo3d.types import PointCloud


def grid(step: float) -> np.ndarray:
    x = np.arange(0, 1, step)
    return np.stack([*np.meshgrid(x, x)], axis=-1).reshape(-1, 2)


def plane(step: float = 0.02) -> PointCloud:
    xy = grid(step)
    return PointCloud(np.c_[xy, 0.1 * np.sin(6 * xy[:, 0])])


def test_spacing_of_a_grid() -> None:
    xy = grid(0.05)
    assert spacing(np.c_[xy, np.zeros(len(xy))]) == pytest.approx(0.05)


def test_spacing_of_a_large_surface_from_a_sample() -> None:
    points = np.c_[np.random.default_rng(0).uniform(0, 1, (600_000, 2)), np.zeros(600_000)]
    # Nearest neighbours of a Poisson process of density n: median sqrt(ln 2 / (pi n)).
    assert spacing(points) == pytest.approx(np.sqrt(np.log(2) / (np.pi * 600_000)), rel=0.1)


def test_extent_forgets_single_outliers() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (5000, 3))
    far = np.concatenate([points, [[1000.0, 0, 0]]])
    assert extent(far) == pytest.approx(extent(points), rel=0.05)


def test_voxel_scales_with_the_clouds() -> None:
    small = prepare_pair(plane(), plane())
    big = prepare_pair(*(PointCloud(plane().points * 1000) for _ in range(2)))
    assert big.voxel == pytest.approx(1000 * small.voxel, rel=1e-6)
    assert len(big.source.points) == len(small.source.points)


def test_centred_transform_and_back(random_pose: np.ndarray) -> None:
    pair = prepare_pair(plane(), PointCloud(plane().points + [5e5, 4e6, 100.0]))
    assert np.allclose(pair.uncentered(pair.centered(random_pose)), random_pose)
    p = plane().points[7]
    inside = pair.centered(random_pose)
    moved = inside[:3, :3] @ (p - pair.source.center) + inside[:3, 3] + pair.target.center
    assert np.allclose(moved, random_pose[:3, :3] @ p + random_pose[:3, 3])


def test_nan_points_are_dropped_with_a_count() -> None:
    points = plane().points.copy()
    points[:17] = np.nan
    cloud, notes = finite_cloud(PointCloud(points), "source")
    assert len(cloud) == len(points) - 17
    assert notes[0].startswith("17 points of the source")


def test_too_few_points_and_no_extent_are_errors() -> None:
    with pytest.raises(RegistrationError, match="holds 3 points"):
        finite_cloud(PointCloud(np.zeros((3, 3))), "source")
    with pytest.raises(RegistrationError, match="in one place"):
        prepare_pair(PointCloud(np.zeros((100, 3))), plane())


@pytest.mark.parametrize(
    ("a", "b", "says"), [(2000.0, 2.1, "millimetres"), (2.0, 2100.0, "millimetres"), (2.0, 9.0, "")]
)
def test_millimetres_against_metres_are_noticed(a: float, b: float, says: str) -> None:
    note = unit_note(a, b)
    assert says in note if says else note == ""
