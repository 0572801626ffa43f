"""Which kind of recording a path is."""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.rgbd.recordings.arkitscenes import ARKitScenesFormat
from geo3d.io.rgbd.recordings.azure_kinect import AzureKinectFormat
from geo3d.io.rgbd.recordings.polycam import PolycamFormat
from geo3d.io.rgbd.recordings.record3d import Record3DFormat
from geo3d.io.rgbd.recordings.recording import RecordingFormat
from geo3d.io.rgbd.recordings.ros import RosBagFormat
from geo3d.io.rgbd.recordings.stray import StrayFormat

RECORDING_FORMATS: dict[str, RecordingFormat] = {
    "record3d": Record3DFormat(),
    "stray": StrayFormat(),
    "ros": RosBagFormat(),
    "azure_kinect": AzureKinectFormat(),
    "polycam": PolycamFormat(),
    "arkitscenes": ARKitScenesFormat(),
}


def find_recording(path: Path) -> RecordingFormat:
    """Return the format of a recording, or raise `FormatError` that lists the known ones."""
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder")
    for kind in RECORDING_FORMATS.values():
        if kind.detect(path):
            return kind
    # Imported here: that module asks this one about recordings.
    from geo3d.io.rgbd.registry import RGBD_FORMATS

    if layout := next((layout for layout in RGBD_FORMATS.values() if path.is_dir() and layout.detect(path)), None):
        raise FormatError(f"{path} is an RGB-D folder already ({layout.name}), which every verb reads as it is")
    known = "; ".join(f"{kind.name}: {kind.looks_for}" for kind in RECORDING_FORMATS.values())
    raise FormatError(f"{path} is no known recording. Known are {known}")
