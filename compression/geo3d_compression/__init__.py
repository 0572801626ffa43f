"""geo3d_compression: one entropy core, codecs for everything a scan holds, one container (.g3c).

data = geo3d_compression.compress(cloud, grid=0.002)
cloud = geo3d_compression.decompress(data)
"""

from geo3d_compression.api import compress as compress
from geo3d_compression.api import decompress as decompress
from geo3d_compression.api import info as info
