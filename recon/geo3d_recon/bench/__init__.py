"""Benchmarks of the reconstructors."""
