"""A z-buffer rasteriser on the CPU: pictures of scenes on any machine, with no display, GPU, Mesa or EGL.

The same arguments give the same pixels, whatever the number of threads.
"""

from geo3d_viewer.raster.render import Picture as Picture
from geo3d_viewer.raster.render import render as render
