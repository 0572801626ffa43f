import numpy as np
import pytest
from geo3d_compression.bench import hevc
from geo3d_compression.bench.peer import NotForPeer

pytest.importorskip("av")


@pytest.mark.parametrize(("low", "top", "dtype"), [(0, 200, "uint8"), (-300, 600, "int16"), (-1000, 3000, "int16")])
def test_one_video_of_the_smallest_depth_is_exact(low: int, top: int, dtype: str) -> None:
    voxels = np.random.default_rng(0).integers(low, top, (3, 17, 19)).astype(dtype)
    packets = hevc.encode(voxels)
    assert packets[0] == b"\0\0"
    assert len(packets) == 1 + len(voxels)
    back = hevc.decode(packets, voxels)
    assert back.dtype == voxels.dtype
    assert (back == voxels).all()


def test_more_than_12_bits_are_split_exactly() -> None:
    ramp = np.arange(4 * 32 * 32).reshape(4, 32, 32)
    noise = np.random.default_rng(0).integers(0, 1 << 16, (2, 2, 20, 20))
    for voxels in (ramp * 3, noise, noise % 30_000 - 9_000):
        voxels = voxels.astype(np.int32)
        packets = hevc.encode(voxels)
        assert packets[0][0] > 0
        assert (hevc.decode(packets, voxels) == voxels).all()


def test_a_smooth_volume_takes_fewer_bytes_than_raw() -> None:
    y, x = np.mgrid[:64, :64]
    voxels = np.stack([(y + x + z) * 16 for z in range(8)]).astype(np.uint16)
    assert sum(map(len, hevc.encode(voxels))) < voxels.nbytes / 4


def test_what_x265_cannot_take_is_skipped_with_a_reason() -> None:
    with pytest.raises(NotForPeer, match="float32"):
        hevc.encode(np.zeros((2, 20, 20), np.float32))
    with pytest.raises(NotForPeer, match="16 bits"):
        hevc.encode(np.array([[[0, 1 << 16]]]).repeat(20, 1).repeat(20, 2))
    with pytest.raises(NotForPeer, match="under 16"):
        hevc.encode(np.zeros((2, 8, 20), np.uint8))
