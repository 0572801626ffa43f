"""RGB-D folders, one layout a module."""

from geo3d.io.rgbd.dataset import RGBDDataset as RGBDDataset
from geo3d.io.rgbd.dataset import RGBDFormat as RGBDFormat
from geo3d.io.rgbd.registry import RGBD_FORMATS as RGBD_FORMATS
from geo3d.io.rgbd.registry import open_rgbd as open_rgbd
