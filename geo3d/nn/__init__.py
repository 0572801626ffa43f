"""Network blocks shared by registration and reconstruction."""
