"""Benchmark suites of this package."""
