"""Scans written in the layouts of other tools."""

from geo3d.export.nerfstudio import ExportResult as ExportResult
from geo3d.export.nerfstudio import export_nerfstudio as export_nerfstudio
from geo3d.export.prepare import prepared as prepared
from geo3d.export.source import ScanSource as ScanSource
from geo3d.export.source import open_scan as open_scan
