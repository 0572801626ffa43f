"""Training of the verifier: evidence from pairs with known poses, and the fit."""
