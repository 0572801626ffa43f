"""To and from the types of other libraries, one library a module; each is imported when one of its functions is called.

torch_geometric   PointCloud <-> Data
open3d            PointCloud, TriangleMesh <-> Open3D's geometry; RGBDFrame -> RGBDImage
trimesh           PointCloud, TriangleMesh <-> trimesh
pytorch3d         PointCloud, TriangleMesh <-> Pointclouds, Meshes; camera and pose -> PerspectiveCameras
transforms        cameras and poses <-> nerfstudio's transforms.json
"""
