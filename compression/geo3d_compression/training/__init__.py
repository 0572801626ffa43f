"""What the trainings of all integer networks share: the loop, settings from a configuration, weights with a card."""
