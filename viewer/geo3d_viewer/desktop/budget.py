"""How many points this machine draws without stalling: found out while drawing."""

from __future__ import annotations

from dataclasses import dataclass

_LEAST, _MOST = 400_000, 4_000_000
_SLOW, _FAST = 0.25, 0.06


@dataclass(frozen=True)
class Budget:
    """A number of points to draw; a software renderer stays at the least, a graphics card ends at the most."""

    points: int = _LEAST

    @property
    def is_least(self) -> bool:
        """True where even so few points may take too long for a picture that moves."""
        return self.points == _LEAST

    def after(self, seconds: float) -> Budget:
        """The budget after a picture that took so long."""
        if seconds > _SLOW:
            return Budget(max(_LEAST, self.points * 2 // 3))
        if seconds < _FAST:
            return Budget(min(_MOST, self.points * 3 // 2))
        return self
