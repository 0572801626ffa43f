"""From the cells of a coarse lattice to the voxels of the surface that they came from."""
