"""The learned surface model: preparing data, fitting, weights, and the field at inference."""
