from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from geo3d.errors import FormatError
from geo3d.io.volumes import Volume, read_volume, write_volume


def write_slice(
    path: Path,
    pixels: np.ndarray,
    z: float,
    series: str = "1.2.3",
    syntax: str = ExplicitVRLittleEndian,
    tags: dict[str, Any] | None = None,
) -> None:
    """`tags`: others than usual; None removes one."""
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = syntax
    d.file_meta.MediaStorageSOPClassUID = CTImageStorage
    d.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{round(abs(z) * 100)}"
    d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, d.file_meta.MediaStorageSOPInstanceUID
    d.SeriesInstanceUID, d.Modality, d.PatientName = series, "CT", "Phantom^One"
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, 12, 11
    d.PixelRepresentation = int(pixels.dtype.kind == "i")
    d.PixelSpacing, d.ImagePositionPatient, d.ImageOrientationPatient = [0.7, 0.5], [-10, -20, z], [1, 0, 0, 0, 1, 0]
    d.RescaleSlope, d.RescaleIntercept = 1, -1024
    for tag, value in (tags or {}).items():
        if value is None:
            delattr(d, tag)
        else:
            setattr(d, tag, value)
    compressed = syntax == RLELossless
    d.PixelData = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")).tobytes()
    d["PixelData"].VR = "OW"
    if compressed:
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.compress(RLELossless, generate_instance_uid=False)
    d.save_as(path, enforce_file_format=True)


def series(folder: Path, count: int = 5, **options: str) -> np.ndarray:
    folder.mkdir(exist_ok=True)
    voxels = np.random.default_rng(0).integers(0, 4096, (count, 6, 7)).astype(np.uint16)
    for k in range(count):
        # File names run against the order in space.
        write_slice(folder / f"IM{count - k:03d}.dcm", voxels[k], 2.5 * k, **options)
    return voxels


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_series_comes_back_byte_for_byte(tmp_path: Path, syntax: str) -> None:
    voxels = series(tmp_path / "in", syntax=syntax)
    volume = read_volume(tmp_path / "in")
    assert volume.voxels.dtype == np.uint16
    assert (volume.voxels == voxels).all()
    assert volume.spacing == pytest.approx((0.5, 0.7, 2.5))
    np.testing.assert_allclose(volume.affine[:, 3], [10, 20, 0, 1])
    write_volume(tmp_path / "out", volume)
    for path in (tmp_path / "in").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_compressed_slices_come_back_as_plain_ones_with_their_tags(tmp_path: Path) -> None:
    voxels = series(tmp_path / "in", 3, syntax=RLELossless)
    write_volume(tmp_path / "out", read_volume(tmp_path / "in"))
    d = pydicom.dcmread(tmp_path / "out" / "IM003.dcm")
    assert (d.pixel_array == voxels[0]).all()
    assert (d.RescaleIntercept, d.PatientName) == (-1024, "Phantom^One")
    assert d.SOPInstanceUID == "1.2.3.0"


def test_mixed_missing_double_and_foreign_slices_are_refused(tmp_path: Path) -> None:
    voxels = series(tmp_path / "a")
    write_slice(tmp_path / "a" / "other.dcm", voxels[0], 99.0, series="9.9")
    with pytest.raises(FormatError, match="mixes 2 DICOM series"):
        read_volume(tmp_path / "a")
    series(tmp_path / "b")
    (tmp_path / "b" / "IM003.dcm").unlink()
    with pytest.raises(FormatError, match=r"1 slice\(s\) missing between IM004.dcm and IM002.dcm"):
        read_volume(tmp_path / "b")
    series(tmp_path / "c")
    write_slice(tmp_path / "c" / "again.dcm", voxels[1], 2.5)
    with pytest.raises(FormatError, match="same place"):
        read_volume(tmp_path / "c")
    series(tmp_path / "d")
    write_slice(tmp_path / "d" / "big.dcm", np.zeros((9, 9), np.uint16), 12.5)
    with pytest.raises(FormatError, match="alike"):
        read_volume(tmp_path / "d")
    series(tmp_path / "e")
    (tmp_path / "e" / "notes.txt").write_text("hello")
    with pytest.raises(FormatError, match=r"notes.txt is not a DICOM slice"):
        read_volume(tmp_path / "e")
    (tmp_path / "f").mkdir()
    with pytest.raises(FormatError, match="empty folder"):
        read_volume(tmp_path / "f")


def test_writing_needs_a_dicom_header_and_an_empty_place(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="needs a DICOM header"):
        write_volume(tmp_path / "out", Volume(np.zeros((2, 2, 2), np.uint16)))
    assert list(tmp_path.iterdir()) == []
    series(tmp_path / "in")
    with pytest.raises(FormatError, match="new or empty folder"):
        write_volume(tmp_path / "in", read_volume(tmp_path / "in"))


def encapsulated(folder: Path, syntax: str, encode: Any) -> np.ndarray:
    """Three slices whose pixels are pictures of another codec."""
    voxels = series(folder, 3)
    for k, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        d = pydicom.dcmread(path)
        assert (d.pixel_array == voxels[k]).all()
        d.file_meta.TransferSyntaxUID = syntax
        d.PixelData = encapsulate([encode(voxels[k])])
        d["PixelData"].is_undefined_length = True
        d.save_as(path)
    return voxels


def test_jpeg_2000_slices_are_decoded_exactly(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    voxels = encapsulated(
        tmp_path / "in",
        JPEG2000Lossless,
        lambda v: imagecodecs.jpeg2k_encode(v, level=0, reversible=True, codecformat="j2k", bitspersample=12),
    )
    assert (read_volume(tmp_path / "in").voxels == voxels).all()


def test_pictures_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    encapsulated(tmp_path / "in", JPEGLosslessSV1, lambda v: b"no picture" + v.tobytes())
    with pytest.raises(FormatError, match=r"IM001.dcm: its pixels cannot be read"):
        read_volume(tmp_path / "in")


def test_several_frames_in_one_file_and_a_lone_slice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_slice(tmp_path / "in" / "all.dcm", np.zeros((4, 5), np.uint16), 0.0, tags={"NumberOfFrames": 3})
    with pytest.raises(FormatError, match=r"all.dcm holds 3 frames; .*split it first"):
        read_volume(tmp_path / "in")
    with pytest.raises(FormatError, match="of DICOM slices give their folder"):
        read_volume(tmp_path / "in" / "all.dcm")


def test_slices_against_the_normal_and_a_tilted_gantry_keep_their_place(tmp_path: Path) -> None:
    """Every voxel's place by the standard's formula, C.7.6.2.1.1."""
    (tmp_path / "in").mkdir()
    rng, tilt = np.random.default_rng(1), np.radians(20)
    rows = [1, 0, 0, 0, float(np.cos(tilt)), float(-np.sin(tilt))]
    voxels = rng.integers(0, 99, (4, 5, 6)).astype(np.int16)
    for k in range(4):
        place = [-10.0, 7.0, 30.0 - 3.0 * k]
        tags = {"ImageOrientationPatient": rows, "ImagePositionPatient": place, "InstanceNumber": k + 1}
        write_slice(tmp_path / "in" / f"{k}.dcm", voxels[k], 30.0 - 3.0 * k, tags=tags)
    volume = read_volume(tmp_path / "in")
    # Along the normal, (0, sin, cos), the last slice comes first.
    assert (volume.voxels == voxels[::-1]).all()
    for k, y, x in ((0, 0, 0), (3, 4, 5), (1, 2, 3)):
        left, back, up = (
            np.array([-10.0, 7.0, 21.0 + 3.0 * k]) + x * 0.5 * np.array(rows[:3]) + y * 0.7 * np.array(rows[3:])
        )
        np.testing.assert_allclose(volume.affine @ [x, y, k, 1], [-left, -back, up, 1], atol=1e-9)


def test_slices_beside_each_other_and_with_other_pixels_are_refused(tmp_path: Path) -> None:
    voxels = series(tmp_path / "a")
    write_slice(tmp_path / "a" / "IM003.dcm", voxels[2], 5.0, tags={"ImagePositionPatient": [-9, -20, 5.0]})
    with pytest.raises(FormatError, match=r"IM003.dcm lies 1.000 mm beside the line"):
        read_volume(tmp_path / "a")
    series(tmp_path / "b")
    write_slice(tmp_path / "b" / "IM003.dcm", voxels[2], 5.0, tags={"PixelSpacing": [0.7, 0.7]})
    with pytest.raises(FormatError, match=r"IM003.dcm are \[0.7, 0.7\] mm apart"):
        read_volume(tmp_path / "b")


def test_slices_without_a_place_are_ordered_by_number_or_name(tmp_path: Path) -> None:
    voxels = np.random.default_rng(2).integers(0, 4096, (4, 3, 3)).astype(np.uint16)

    def write(name: str, numbers: list[int]) -> Path:
        (tmp_path / name).mkdir()
        for k, number in enumerate(numbers):
            tags = {"ImagePositionPatient": None, "InstanceNumber": number}
            write_slice(tmp_path / name / f"{9 - k}.dcm", voxels[k], k, tags=tags)
        return tmp_path / name

    volume = read_volume(write("a", [1, 2, 3, 4]))
    assert volume.affine is None
    assert (volume.voxels == voxels).all()
    assert (read_volume(write("b", [0, 0, 0, 0])).voxels == voxels[::-1]).all()
    with pytest.raises(FormatError, match=r"2 slice\(s\) missing between 8.dcm \(number 2\) and 7.dcm \(number 5\)"):
        read_volume(write("c", [1, 2, 5, 6]))
    with pytest.raises(FormatError, match=r"7.dcm and 8.dcm are both number 2"):
        read_volume(write("d", [1, 2, 2, 3]))


def test_a_rescale_goes_to_nifti_and_different_ones_only_to_dicom(tmp_path: Path) -> None:
    voxels = series(tmp_path / "ct", 3)
    write_volume(tmp_path / "ct.nii", read_volume(tmp_path / "ct"))
    image = nibabel.load(tmp_path / "ct.nii")
    assert (image.get_fdata() == voxels.T.astype(float) - 1024).all()
    assert (read_volume(tmp_path / "ct.nii").voxels == voxels).all()
    series(tmp_path / "pet", 3)
    write_slice(tmp_path / "pet" / "IM002.dcm", voxels[1], 2.5, tags={"RescaleSlope": "2.5"})
    volume = read_volume(tmp_path / "pet")
    assert (volume.voxels == voxels).all()
    for name in ("pet.nii", "pet.npy", "pet.nrrd"):
        with pytest.raises(FormatError, match=r"different rescale .*IM002.dcm: 2.5, -1024.* write a folder"):
            write_volume(tmp_path / name, volume)
        assert not (tmp_path / name).exists()
    write_volume(tmp_path / "again", volume)
    for path in (tmp_path / "pet").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
