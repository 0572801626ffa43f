"""geo3d_recon: meshes from points."""
