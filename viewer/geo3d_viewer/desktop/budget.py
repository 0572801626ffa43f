"""How many points this machine draws without stalling: found out while drawing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LEAST, _MOST = 400_000, 4_000_000
_SLOW, _FAST = 0.25, 0.06


@dataclass(frozen=True)
class Budget:
    """A number of points to draw; a software renderer stays at the least, a graphics card ends at the most.

    is_fixed   it does not grow: what a software renderer drops looks as if it were drawn in no time
    """

    points: int = _LEAST
    is_fixed: bool = False

    @property
    def is_least(self) -> bool:
        """True where even so few points may take too long for a picture that moves."""
        return self.points == _LEAST

    def after(self, seconds: float) -> Budget:
        """The budget after a picture that took so long."""
        if self.is_fixed:
            return self
        if seconds > _SLOW:
            return Budget(max(_LEAST, self.points * 2 // 3))
        if seconds < _FAST:
            return Budget(min(_MOST, self.points * 3 // 2))
        return self


def is_software_rendered(tasks: Path = Path("/proc/self/task")) -> bool:
    """True if Mesa draws with this process's processor: its threads say so (Linux)."""
    names = []
    for task in tasks.glob("*/comm"):
        try:
            names.append(task.read_text())
        except OSError:  # it has ended
            continue
    return any(name.startswith("llvmpipe") for name in names)
