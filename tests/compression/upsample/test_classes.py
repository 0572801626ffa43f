"""Classes step up where their definition says."""

from geo3d_compression.upsample.classes import DENSITY_CLASSES, SCALE_CLASSES, density_class, scale_class
from geo3d_compression.upsample.lattice import MAX_SCALE, UNIT


def test_scales_step_every_quarter_octave() -> None:
    assert scale_class(UNIT) == 0
    for k in range(1, SCALE_CLASSES):
        edge = round(UNIT * 2 ** (k / 4))
        assert scale_class(edge) == k
        assert scale_class(edge - 1) == k - 1
    assert scale_class(MAX_SCALE) == SCALE_CLASSES - 1


def test_densities_step_every_half_octave_of_voxels_a_face() -> None:
    assert density_class(1, 1000, 16) == 0
    # One voxel for each unit of area is 2^0, six half octaves above 1/8.
    assert density_class(1000, 1000, 16) == 7
    assert density_class(4000, 1000, 32) == 7
    assert density_class(2001, 1000, 16) == DENSITY_CLASSES - 1
    assert density_class(1999, 1000, 16) == DENSITY_CLASSES - 2
    assert density_class(4_000_000_000, 1_000_000, 160) == DENSITY_CLASSES - 1
