"""Lossless volumes: bits per voxel of whole files, every stream decoded and compared bit for bit, peers beside us."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row, Suite
from geo3d.errors import FormatError, Geo3DError
from geo3d_compression.bench import hevc
from geo3d_compression.bench.peer import NotForPeer

# Constants of the model were chosen on these; everything else in the folder is held out (whole patients, and at least
# one volume of each modality and scanner).
TUNED_ON = (
    "sts001_ct", "sts001_mrt1", "sts001_pet", "sts007_ct", "sts007_mrt1", "sts007_pet", "sts030_ct", "sts030_mrt1",
    "sts037_ct", "abdomen512_ct_s110_150", "studyforrest_t1_s144_240", "pyrad_brain1_mr", "vtk_headsq_ct",
)  # fmt: skip

Coder = tuple[Callable[[NDArray[Any]], Any], Callable[[Any, NDArray[Any]], NDArray[Any]]]


def rows(data: Path | None) -> Iterator[Row]:
    """Measure every `.npy`, `.npy.xz`, `.nii.gz` and `.nrrd` volume in a folder."""
    yield from resumed(data, {})


def resumed(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
    """The same, with the rows that an earlier run has kept."""
    from geo3d.io.volumes import VOLUME_FORMATS, read_volume

    if data is None or not data.is_dir():
        raise Geo3DError("this benchmark needs volumes: --data ../shared/data/med/volumes")
    paths = sorted(p for p in data.iterdir() if any(s in VOLUME_FORMATS and s for s in p.suffixes))
    if not paths:
        raise FormatError(f"{data} holds no volumes (.npy, .npy.xz, .nii.gz, .nrrd)")
    found = coders()
    for path in paths:
        name = path.name.split(".")[0]
        voxels = read_volume(path).voxels
        for method, (encode, decode) in found.items():
            key = f"{name}: {method}"
            if key in kept:
                yield kept[key]
                continue
            try:
                yield {"key": key, **_measure(name, method, voxels, encode, decode)}
            except NotForPeer as error:
                yield {"key": key, "case": name, "set": _set_of(name), "method": method, "skipped": str(error)}


def _measure(name: str, method: str, voxels: NDArray[Any], encode: Any, decode: Any) -> Row:
    start, cpu = time.perf_counter(), time.process_time()
    stream = encode(voxels)
    middle, cpu_middle = time.perf_counter(), time.process_time()
    back = decode(stream, voxels)
    end, cpu_end = time.perf_counter(), time.process_time()
    if back.dtype != voxels.dtype or not np.array_equal(back, voxels):
        raise Geo3DError(f"{method} did not give back {name}")
    size = len(stream) if isinstance(stream, bytes) else sum(map(len, stream))
    megabytes = voxels.nbytes / 1e6
    return {
        "case": name, "set": _set_of(name), "method": method, "voxels": voxels.size,
        "bytes": size, "bpv": 8 * size / voxels.size, "MB/s enc": megabytes / (middle - start),
        "MB/s dec": megabytes / (end - middle), "cpu s/MB enc": (cpu_middle - cpu) / megabytes,
        "cpu s/MB dec": (cpu_end - cpu_middle) / megabytes,
    }  # fmt: skip


def _set_of(name: str) -> str:
    return "tuned" if name in TUNED_ON else "held out"


def coders() -> dict[str, Coder]:
    """Ours, and the peers that are installed."""
    found: dict[str, Coder] = {f"geo3d {p}": (_Ours(p).encode, _Ours(p).decode) for p in ("fast", "best")}
    # Compiling is not the codec's work.
    for encode, decode in found.values():
        tiny = np.arange(4 * 8 * 8, dtype=np.int16).reshape(4, 8, 8)
        decode(encode(tiny), tiny)
    if importlib.util.find_spec("tomoz"):
        import tomoz

        found["tomoz"] = (tomoz.encode, lambda s, v: tomoz.decode(s).reshape(v.shape))
    if importlib.util.find_spec("imagecodecs"):
        import imagecodecs as ic

        # A volume's slices are separate files for these; headers of a container are not counted against them.
        found["JPEG XL e7"] = _sliced(lambda s: ic.jpegxl_encode(s, lossless=True, effort=7), ic.jpegxl_decode)
        found["JPEG-LS"] = _sliced(ic.jpegls_encode, ic.jpegls_decode)
        found["JPEG 2000"] = _sliced(lambda s: ic.jpeg2k_encode(s, level=0, reversible=True), ic.jpeg2k_decode)
        found["PNG"] = _sliced(lambda s: ic.png_encode(s, level=9), ic.png_decode)
    if importlib.util.find_spec("av"):
        found["HEVC"] = (hevc.encode, hevc.decode)
    return found


class _Ours:
    def __init__(self, profile: Any) -> None:
        self.profile = profile

    def encode(self, voxels: NDArray[Any]) -> bytes:
        from geo3d_compression.container import ContainerWriter, Item
        from geo3d_compression.volume import VolumeOptions, encode_volume

        with ContainerWriter() as writer:
            item = writer.add_item(Item("volume", "volume", 8))
            encode_volume(voxels, writer, item, VolumeOptions(self.profile))
            return writer.to_bytes()

    def decode(self, stream: bytes, voxels: NDArray[Any]) -> NDArray[Any]:
        from geo3d_compression.container import Container
        from geo3d_compression.volume import decode_volume

        with Container(stream) as container:
            return decode_volume(container, 0)


def _sliced(encode: Callable[..., Any], decode: Callable[..., Any]) -> Coder:
    def pack(voxels: NDArray[Any]) -> list[bytes]:
        if voxels.dtype.kind not in "iub" or int(voxels.max()) - int(voxels.min()) >= 1 << 16:
            raise NotForPeer(f"a picture codec of 16 bits cannot keep {voxels.dtype} over more than 16 bits")
        unsigned = np.uint8 if voxels.dtype.itemsize == 1 else np.uint16
        shifted = (voxels.astype(np.int64) - int(voxels.min())).astype(unsigned)
        return [bytes(encode(s)) for s in shifted.reshape(-1, *voxels.shape[-2:])]

    def unpack(slices: list[bytes], voxels: NDArray[Any]) -> NDArray[Any]:
        stack = np.stack([np.asarray(decode(s)) for s in slices]).astype(np.int64) + int(voxels.min())
        return stack.astype(voxels.dtype).reshape(voxels.shape)

    return pack, unpack


def summary(measured: list[Row]) -> list[Row]:
    """Geometric means of bits ÷ each peer's bits, over held-out and tuned volumes, and the worst volume."""
    measured = [r for r in measured if "skipped" not in r]
    bits = {(r["case"], r["method"]): r["bpv"] for r in measured}
    sets = {r["case"]: r["set"] for r in measured}
    methods = list(dict.fromkeys(r["method"] for r in measured))
    result: list[Row] = []
    for which in ("held out", "tuned"):
        cases = [c for c, s in sets.items() if s == which]
        for ours in (m for m in methods if m.startswith("geo3d") and cases):
            row: Row = {"case": f"geometric mean of {len(cases)}", "set": which, "method": ours}
            for peer in (m for m in methods if not m.startswith("geo3d")):
                ratio = [bits[c, ours] / bits[c, peer] for c in cases if (c, peer) in bits]
                if ratio:
                    row[f"÷ {peer}"] = float(np.exp(np.log(ratio).mean()))
            rivals = [[bits[c, m] for m in ("tomoz", "JPEG XL e7") if (c, m) in bits] for c in cases]
            worst = [bits[c, ours] / min(b) for c, b in zip(cases, rivals, strict=True) if b]
            if worst:
                row["worst ÷ min(JXL, tomoz)"] = max(worst)
            result.append(row)
    return result


SUITE: Suite = {
    "description": "lossless volumes against JPEG XL, JPEG-LS, JPEG 2000, PNG, tomoz, HEVC (x265)",
    "columns": ["case", "set", "method", "bpv", "MB/s enc", "MB/s dec", "cpu s/MB enc", "cpu s/MB dec"],
    "rows": rows,
    "summary": summary,
    "resumed": resumed,
}
