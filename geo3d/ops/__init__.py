"""Geometry operations on numpy arrays and torch tensors."""
