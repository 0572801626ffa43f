"""The verbs that the viewer adds to `geo3d`."""
