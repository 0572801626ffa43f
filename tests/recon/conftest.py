"""Lets the test files of this folder import `recon_shapes`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
