import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.volume import VolumeOptions, decode_volume, encode_volume
from geo3d_compression.volume.codec import default_group, read_header

from geo3d.errors import BitstreamError, ShapeError

ALL = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float16", "float32", "int64", "uint64", "bool")


def pack(voxels: np.ndarray, **options: object) -> bytes:
    with ContainerWriter() as writer:
        item = writer.add_item(Item("v", "volume", 8))
        encode_volume(voxels, writer, item, VolumeOptions(**options))  # type: ignore[arg-type]
        return writer.to_bytes()


def unpack(data: bytes, **options: object) -> np.ndarray:
    with Container(data) as container:
        return decode_volume(container, 0, **options)  # type: ignore[arg-type]


def sample(dtype: str, shape: tuple[int, ...] = (5, 9, 11)) -> np.ndarray:
    a = np.random.default_rng(0).normal(size=shape).cumsum(axis=-1) * 8
    if dtype == "bool":
        return a > 0
    return np.abs(a).astype(dtype) if dtype.startswith("u") else a.astype(dtype)


@pytest.mark.parametrize("dtype", ALL)
def test_voxels_dtype_and_shape_come_back(dtype: str) -> None:
    voxels = sample(dtype)
    if dtype.startswith("float"):
        voxels[0, 0, :4] = [np.nan, -0.0, np.inf, -np.inf]
    back = unpack(pack(voxels))
    assert back.dtype == voxels.dtype
    assert back.shape == voxels.shape
    assert back.tobytes() == voxels.tobytes()


@pytest.mark.parametrize("shape", [(7,), (4, 6), (3, 4, 5), (3, 4, 5, 6), (1, 1, 1, 1)])
@pytest.mark.parametrize("profile", ["fast", "best"])
def test_all_dimensions(shape: tuple[int, ...], profile: str) -> None:
    voxels = sample("int16", shape)
    assert (unpack(pack(voxels, profile=profile, group=2)) == voxels).all()


def test_scaled_integers_in_floats_cost_what_integers_cost() -> None:
    integers = np.random.default_rng(0).normal(100, 5, (6, 40, 40)).round()
    scaled = (integers * np.float32(0.0317) - np.float32(3)).astype(np.float32)
    assert (unpack(pack(scaled)).view(np.uint32) == scaled.view(np.uint32)).all()
    assert len(pack(scaled)) < 1.05 * len(pack(integers.astype(np.int16))) + 300


def test_four_dimensions_use_the_time_before() -> None:
    still = np.random.default_rng(0).integers(0, 1000, (1, 4, 30, 30)).astype(np.int16)
    assert len(pack(np.repeat(still, 6, axis=0))) < 2.2 * len(pack(still[0]))


def test_threads_and_groups_do_not_change_voxels_and_threads_no_bytes() -> None:
    voxels = sample("int16", (13, 20, 20))
    one = pack(voxels, group=4, threads=1)
    assert one == pack(voxels, group=4, threads=2)
    for threads in (1, 2):
        assert (unpack(one, threads=threads) == voxels).all()


def test_slices_are_read_from_their_groups_alone() -> None:
    voxels = sample("int16", (13, 20, 20))
    data = pack(voxels, group=4)
    assert (unpack(data, slices=(5, 9)) == voxels[5:9]).all()
    with Container(data) as container:
        broken = bytearray(data)
        chunk = container.find(0, ChunkType.DATA, 3)
        assert chunk is not None
        broken[chunk.offset] ^= 1
    assert (unpack(bytes(broken), slices=(0, 12)) == voxels[:12]).all()
    with pytest.raises(BitstreamError, match="damaged"):
        unpack(bytes(broken))
    losses: list[str] = []
    back = unpack(bytes(broken), losses=losses)
    assert (back[:12] == voxels[:12]).all()
    assert (back[12:] == 0).all()
    assert len(losses) == 1
    assert "slices 12 to 12" in losses[0]
    with pytest.raises(ShapeError):
        unpack(data, slices=(5, 14))


def test_refusals() -> None:
    for bad in (np.zeros((2, 2), complex), np.zeros((0, 3, 3)), np.zeros((1,) * 5)):
        with pytest.raises(ShapeError, match="dimensions"):
            pack(bad)
    with pytest.raises(ShapeError, match="group"):
        pack(np.zeros((2, 2, 2), np.uint8), group=0)


def test_a_header_that_claims_too_much_is_refused() -> None:
    voxels = np.zeros((2, 3, 4), np.uint8)
    data = pack(voxels)
    with Container(data) as container:
        head = container.need(0, ChunkType.HEADER)
        body = container.need(0, ChunkType.DATA)
    for shape in (b"\x80\x80\x04\xff\x7f\xff\x7f", b"\xff\xff\xff\xff\x07\xff\xff\xff\xff\x07\xff\xff\xff\xff\x07"):
        with ContainerWriter() as writer:
            item = writer.add_item(Item("v", "volume", 8))
            writer.add_chunk(item, ChunkType.HEADER, head[: head.index(b"\x03\x02\x03\x04") + 1] + shape)
            writer.add_chunk(item, ChunkType.DATA, body)
            bomb = writer.to_bytes()
        with pytest.raises(BitstreamError, match=r"cannot come from|more than"):
            unpack(bomb)


def test_default_groups() -> None:
    assert default_group(60, 40_000, "best") == 60
    assert default_group(60, 40_000, "fast") == 30
    assert default_group(10, 40_000, "fast") == 10
    assert default_group(1000, 1 << 18, "best") == 143
    assert default_group(1000, 1 << 26, "fast") == 1


def test_header_of_a_stored_volume() -> None:
    with Container(pack(sample("int16"), profile="best")) as container:
        header = read_header(container, 0)
    assert (header.shape, header.dtype, header.profile, header.groups) == ((5, 9, 11), np.int16, "best", 1)


def test_a_stream_names_the_prior_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    best, fast = pack(sample("int16"), profile="best"), pack(sample("int16"))
    monkeypatch.setattr("geo3d_compression.volume.codec.prior_id", lambda: bytes(8))
    with pytest.raises(BitstreamError, match=r"learned prior [0-9a-f]{16}; installed is 0000000000000000"):
        unpack(best)
    assert (unpack(fast) == sample("int16")).all()


def test_a_fresh_process_with_other_threads_and_instructions_decodes_the_same(tmp_path: Path) -> None:
    """The arithmetic is pinned: narrower vector instructions and no fused multiply-add give the same voxels."""
    voxels = sample("int16", (4, 40, 40))
    (tmp_path / "v.g3c").write_bytes(pack(voxels, profile="best"))
    code = (
        "import sys, numpy as np\nfrom geo3d_compression.container import Container\n"
        "from geo3d_compression.volume import decode_volume\n"
        "np.save(sys.argv[2], decode_volume(Container(sys.argv[1]), 0, threads=1))"
    )
    environment = {
        **os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "NUMBA_OPT": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "v.g3c"), str(tmp_path / "w.npy")], env=environment, check=True
    )
    assert (np.load(tmp_path / "w.npy") == voxels).all()
