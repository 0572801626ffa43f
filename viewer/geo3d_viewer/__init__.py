"""geo3d_viewer: windows and snapshots of everything the suite makes."""
