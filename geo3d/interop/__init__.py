"""To and from the types of other libraries, one library a module; each is imported when one of its functions is called.

torch_geometric   PointCloud <-> Data
open3d            PointCloud, TriangleMesh <-> Open3D's geometry; RGBDFrame -> RGBDImage
trimesh           PointCloud, TriangleMesh <-> trimesh
nerfstudio        cameras and poses <-> Cameras
pytorch3d         PointCloud, TriangleMesh <-> Pointclouds, Meshes; camera and pose -> PerspectiveCameras
geometry          neighbours, Chamfer distance, surface samples, rasters: by PyTorch3D or without it, the same numbers
transforms        cameras and poses <-> nerfstudio's transforms.json
"""
