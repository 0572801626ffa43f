"""Registration of clouds and RGB-D frames."""
