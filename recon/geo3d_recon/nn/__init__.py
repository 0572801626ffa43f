"""Networks of the reconstructors."""
