"""How fast pictures are made, beside Open3D's own offscreen renderer."""
