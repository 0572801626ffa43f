"""Networks of radiance fields."""
