"""Plug-ins of nerfstudio (1.1): the data parser `geo3d-data` and the method `geo3d-field`.

Imported by nerfstudio alone, through its entry points; nothing else of the suite needs it.
"""
