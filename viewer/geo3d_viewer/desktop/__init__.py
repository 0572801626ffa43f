"""The desktop window, on Open3D's GUI."""
