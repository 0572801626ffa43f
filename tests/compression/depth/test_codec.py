import numpy as np
import pytest
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.depth import DepthOptions, decode_depth, encode_depth
from geo3d_compression.depth.codec import read_header
from geo3d_compression.depth.warp import FixedCamera, fixed_motion

from geo3d.errors import BitstreamError, ShapeError


def pack(frames: np.ndarray, camera: FixedCamera | None = None, motions: list | None = None, **options: int) -> bytes:
    with ContainerWriter() as writer:
        item = writer.add_item(Item("d", "depth", 7))
        encode_depth(frames, writer, item, DepthOptions(**options), camera, motions)
        return writer.to_bytes()


def unpack(data: bytes, **options: object) -> np.ndarray:
    with Container(data) as container:
        return decode_depth(container, 0, **options)  # type: ignore[arg-type]


@pytest.fixture
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    smooth = 1000 + rng.integers(-3, 4, (7, 20, 30)).cumsum(axis=2) * 4
    return np.where(rng.random(smooth.shape) < 0.1, 0, smooth).astype(np.uint16)


def test_exact_in_any_group_and_thread_count(frames: np.ndarray) -> None:
    for group in (1, 3, 30):
        data = pack(frames, group=group, threads=1)
        assert data == pack(frames, group=group, threads=2)
        back = unpack(data)
        assert back.dtype == np.uint16
        assert (back == frames).all()


def test_motions_travel_with_the_stream(frames: np.ndarray) -> None:
    camera = FixedCamera(30 << 16, 30 << 16, 15 << 16, 10 << 16)
    T = np.eye(4)
    T[:3, 3] = [0.1, -0.2, 0.05]
    motions = [None, *(fixed_motion(T, 1000.0) if k % 2 else None for k in range(6))]
    assert (unpack(pack(frames, camera, motions, group=4)) == frames).all()


@pytest.mark.parametrize("bound", [1, 5, 100])
def test_near_lossless_keeps_the_bound_and_the_holes(frames: np.ndarray, bound: int) -> None:
    back = unpack(pack(frames, bound=bound))
    assert np.abs(back.astype(int) - frames).max() <= bound
    assert ((back == 0) == (frames == 0)).all()
    if bound > 4:
        assert len(pack(frames, bound=bound)) < len(pack(frames))


def test_empty_pictures_and_extreme_depths() -> None:
    for picture in (np.zeros((2, 3, 4)), np.full((2, 3, 4), 65535), np.arange(24).reshape(2, 3, 4) * 2849):
        assert (unpack(pack(picture.astype(np.uint16))) == picture).all()


def test_pictures_are_read_from_their_group_and_damage_stays_in_it(frames: np.ndarray) -> None:
    data = pack(frames, group=3)
    assert (unpack(data, frames=(2, 5)) == frames[2:5]).all()
    with Container(data) as container:
        chunk = container.find(0, ChunkType.DATA, 1)
        assert chunk is not None
    broken = bytearray(data)
    broken[chunk.offset + 4] ^= 1
    with pytest.raises(BitstreamError, match="damaged"):
        unpack(bytes(broken))
    losses: list[str] = []
    back = unpack(bytes(broken), losses=losses)
    assert (back[[0, 1, 2, 6]] == frames[[0, 1, 2, 6]]).all()
    assert not back[3:6].any()
    assert "pictures 3 to 5" in losses[0]


def test_refusals(frames: np.ndarray) -> None:
    for bad in (frames[:0], frames.astype(np.int32), [frames[0], frames[0][:5]]):
        with pytest.raises(ShapeError):
            pack(bad)  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        pack(frames, group=0)
    with pytest.raises(ShapeError):
        unpack(pack(frames), frames=(3, 9))


def test_a_header_that_claims_too_much_is_refused(frames: np.ndarray) -> None:
    with Container(pack(frames)) as container:
        head, body = container.need(0, ChunkType.HEADER), container.need(0, ChunkType.DATA)
        assert read_header(container, 0).frames == 7
    with ContainerWriter() as writer:
        item = writer.add_item(Item("d", "depth", 7))
        writer.add_chunk(item, ChunkType.HEADER, b"\x01\xff\xff\x7f" + head[2:])
        writer.add_chunk(item, ChunkType.DATA, body)
        bomb = writer.to_bytes()
    with pytest.raises(BitstreamError, match="cannot come from"):
        unpack(bomb)
