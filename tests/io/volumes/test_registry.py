from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io.volumes import VOLUME_FORMATS, Volume, read_volume, write_volume


def test_names_mean_formats(tmp_path: Path) -> None:
    assert set(VOLUME_FORMATS) == {".nii", ".nrrd", ".npy", ".tif", ".tiff", ""}
    with pytest.raises(FormatError, match=r"no volume format \(known: .nii, .nrrd"):
        write_volume(tmp_path / "a.mha", Volume(np.zeros((1, 1, 1))))
    with pytest.raises(FormatError, match="no such file"):
        read_volume(tmp_path / "none.nii")
    with pytest.raises(FormatError, match="does not exist"):
        write_volume(tmp_path / "none" / "a.npy", Volume(np.zeros((1, 1, 1))))
    assert list(tmp_path.iterdir()) == []
