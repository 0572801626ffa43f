import numpy as np

from geo3d.registration.degenerate import open_directions


def information(points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    J = np.concatenate([np.cross(points, normals), normals], axis=1)
    return np.linalg.eigh(J.T @ J)


def test_a_plane_slides_and_turns_in_itself() -> None:
    rng = np.random.default_rng(0)
    p = np.c_[rng.uniform(-1, 1, (500, 2)), np.zeros(500)]
    names = open_directions(*information(p, np.tile([0, 0, 1.0], (500, 1))))
    assert len(names) == 3
    assert "turning about z" in names
    assert sum(n.startswith("sliding along") for n in names) == 2


def test_a_corridor_slides_along_itself() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 600)
    side = np.arange(600) % 4
    normal = np.array([[0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])[side]
    p = np.c_[x, np.zeros((600, 2))] + normal + rng.uniform(-0.9, 0.9, (600, 3)) * (normal == 0) * [0, 1, 1]
    assert open_directions(*information(p, normal)) == ("sliding along x",)


def test_a_box_is_fixed() -> None:
    rng = np.random.default_rng(2)
    normal = np.eye(3)[np.arange(900) % 3]
    p = rng.uniform(-1, 1, (900, 3)) * (normal == 0) + normal
    assert open_directions(*information(p, normal)) == ()
