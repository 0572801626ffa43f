"""Clouds that are single views: where their camera stood, what it saw, and registration through both cameras."""
