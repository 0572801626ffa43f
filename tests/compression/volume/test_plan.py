import numpy as np
import pytest
from geo3d_compression.container import Container, ContainerWriter, Item
from geo3d_compression.volume import VolumeOptions, decode_volume, encode_volume
from geo3d_compression.volume.codec import VolumeHeader, read_header

from geo3d.errors import BitstreamError


def pack(voxels: np.ndarray, **options: object) -> bytes:
    with ContainerWriter() as writer:
        encode_volume(voxels, writer, writer.add_item(Item("v", "volume", 8)), VolumeOptions(**options))  # type: ignore[arg-type]
        return writer.to_bytes()


def unpack(data: bytes) -> tuple[np.ndarray, VolumeHeader]:
    with Container(data) as container:
        return decode_volume(container, 0), read_header(container, 0)


def distances(dtype: str = "float32") -> np.ndarray:
    """[40, 48, 56] truncated distances to a bumpy ball with sensor noise; 0 where a frame saw nothing."""
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[:40, :48, :56].astype(np.float64)
    radius = np.sqrt((z - 20) ** 2 + (y - 24) ** 2 + (x - 28) ** 2) + np.sin(x / 3) + rng.normal(0, 0.05, z.shape)
    field = np.clip((radius - 14) / 4, -1, 1)
    field[radius < 11] = 0
    return (field * (30_000 if dtype == "int16" else 1)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16"])
@pytest.mark.parametrize("profile", ["fast", "best"])
def test_distances_come_back_bit_for_bit_with_bricks_apart(dtype: str, profile: str) -> None:
    voxels = distances(dtype)
    back, header = unpack(pack(voxels, profile=profile, group=12))
    assert back.dtype == voxels.dtype
    assert back.tobytes() == voxels.tobytes()
    assert header.bricks
    assert header.values.form == ("range" if dtype == "int16" else dtype)


def test_only_voxels_near_the_surface_cost_bytes() -> None:
    voxels = distances()
    near = np.count_nonzero((voxels != 0) & (np.abs(voxels) < 1))
    # Normal noise of 0.05 / 4 in steps of 2^-24 has 19.7 bits, and its neighbours are as noisy.
    assert 8 * len(pack(voxels)) < 22.3 * near


def test_groups_of_bricks_are_whole_bricks_and_stand_alone() -> None:
    voxels = np.concatenate([distances()] * 3)
    data = pack(voxels)
    with Container(data) as container:
        header = read_header(container, 0)
        assert header.bricks
        assert header.group % 8 == 0
        assert header.groups > 1
        last = header.group * (header.groups - 1)
        assert (decode_volume(container, 0, slices=(last, len(voxels))) == voxels[last:]).all()


def test_volumes_without_empty_space_stay_as_they_are() -> None:
    _, header = unpack(pack(np.random.default_rng(0).normal(100, 9, (9, 24, 24)).astype(np.int16)))
    assert not header.bricks
    assert len(header.spikes) == 0


def test_noise_around_zero_is_predicted_by_value() -> None:
    voxels = np.random.default_rng(0).normal(0, 0.01, (4, 40, 40)).astype(np.float32)
    back, header = unpack(pack(voxels))
    assert back.tobytes() == voxels.tobytes()
    assert header.values.form == "float32"


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, -0.0])
def test_floats_that_are_no_finite_numbers_are_kept_as_patterns(odd: float) -> None:
    voxels = np.random.default_rng(0).normal(0, 0.01, (4, 40, 40)).astype(np.float32)
    voxels[2, 3, 4] = odd
    back, header = unpack(pack(voxels))
    assert back.tobytes() == voxels.tobytes()
    assert header.values.form == "range"


def test_numbers_of_very_different_sizes_are_kept_as_patterns() -> None:
    rng = np.random.default_rng(0)
    voxels = (10.0 ** (rng.normal(0, 0.02, (4, 40, 40)) + np.linspace(-30, 30, 40))).astype(np.float32)
    back, header = unpack(pack(voxels))
    assert back.tobytes() == voxels.tobytes()
    assert header.values.form == "range"


def test_nearly_empty_space_of_any_size_comes_back() -> None:
    voxels = np.ones((16, 1024, 1024), np.uint8)
    voxels[9, 700, 300] = 0
    voxels[3, :9, :40] = np.random.default_rng(0).integers(0, 255, (9, 40))
    data = pack(voxels, group=8)
    assert len(data) < 1500
    back, _ = unpack(data)
    assert (back == voxels).all()


def test_damaged_bricks_end_in_an_error() -> None:
    data = pack(distances())
    with Container(data) as container:
        chunks = [c for c in container.of(0) if c.length > 500]
    for at in (0, 1, 3, 20, 60):
        broken = bytearray(data)
        broken[chunks[0].offset + at] ^= 255
        with pytest.raises(BitstreamError):
            unpack(bytes(broken))
