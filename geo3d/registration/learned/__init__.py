"""Learned matches: a network over points, shape features and upright patches, as one more source of hypotheses."""
