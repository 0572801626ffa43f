"""Lets the test files below import `compression_pictures`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
