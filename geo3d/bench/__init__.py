"""Benchmarks: a suite is a plain dict of named cases; peers that are installed run beside us in the same run.

A suite is declared by its package under the entry-point group `geo3d.bench_suites`; see `Suite`.
"""

from geo3d.bench.suite import Suite as Suite
from geo3d.bench.suite import find_suites as find_suites
from geo3d.bench.suite import run_suite as run_suite
