"""Training of the octree networks: `prepare` makes blocks of voxels, `fit` trains and exports."""
