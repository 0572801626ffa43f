"""The verbs of this package, one a module."""
