"""Training of the up-sampling network: prepare, samples, fit, export."""
