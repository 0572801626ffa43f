"""From an RGB-D folder to poses, a fused cloud and a mesh."""

from geo3d.scan.result import FrameStatus as FrameStatus
from geo3d.scan.result import ScanResult as ScanResult
