"""Verbs of the reconstruction package; heavy packages load inside the functions."""
