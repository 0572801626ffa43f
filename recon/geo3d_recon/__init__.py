"""geo3d_recon: meshes from points."""

from geo3d_recon.reconstruct import reconstruct as reconstruct
from geo3d_recon.result import ReconstructionResult as ReconstructionResult
