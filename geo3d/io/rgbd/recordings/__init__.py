"""Recordings that hold frames in packed form (a zip, a video, a bag); they are unpacked into an RGB-D folder first."""

from geo3d.io.rgbd.recordings.recording import RecordedFrame as RecordedFrame
from geo3d.io.rgbd.recordings.recording import RecordingFormat as RecordingFormat
from geo3d.io.rgbd.recordings.recording import Rig as Rig
from geo3d.io.rgbd.recordings.registry import RECORDING_FORMATS as RECORDING_FORMATS
from geo3d.io.rgbd.recordings.registry import find_recording as find_recording
from geo3d.io.rgbd.recordings.unpack import unpack_recording as unpack_recording
