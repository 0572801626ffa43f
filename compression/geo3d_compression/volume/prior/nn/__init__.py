"""The volume prior as torch layers, for training; the codec runs its integers without torch."""
