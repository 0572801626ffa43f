"""Training of the volume prior: `prepare` records what the coder sees, `fit` trains, `export` writes integers."""
