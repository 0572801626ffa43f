"""Verbs of the front end; heavy packages load inside the functions."""
