from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from geo3d.errors import FormatError
from geo3d.io.volumes import Volume, read_volume, write_volume


def write_slice(
    path: Path, pixels: np.ndarray, z: float, series: str = "1.2.3", syntax: str = ExplicitVRLittleEndian
) -> None:
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
    compressed = syntax == RLELossless
    d.PixelData = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")).tobytes()
    d["PixelData"].VR = "OW"
    if compressed:
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.compress(RLELossless)
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
