"""Torch modules: imported by training alone."""
