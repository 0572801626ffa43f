"""How much a volume codec may spend: the predictors of each profile; their numbers are format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo3d_compression.volume.neighbours import Offset, causal_ball

Profile = Literal["fast", "best"]


@dataclass(frozen=True)
class Settings:
    """One profile.

    neighbourhoods  offsets of each least-squares predictor
    forget          its forgetting factor: 1 / (1 - forget) voxels of memory
    scale_by_value  one more expert whose noise depends on the value, as in PET and MR
    prior           the learned prior is one more expert (needs `scale_by_value` and four predictors)
    """

    number: int
    neighbourhoods: tuple[tuple[Offset, ...], ...]
    forget: tuple[float, ...]
    scale_by_value: bool
    prior: bool = False


# Small discs follow the texture, large ones find what resampling and reconstruction filters did to the noise.
_SMALL = causal_ball(5, 1, 0)
_MIDDLE = causal_ball(9, 4, 1)
_LARGE = causal_ball(10, 5, 2)
_WIDE = causal_ball(20, 16, 4)

PROFILES: dict[Profile, Settings] = {
    "fast": Settings(0, (_MIDDLE, _SMALL), (0.9995, 0.995), False),
    "best": Settings(1, (_WIDE, _WIDE, _LARGE, _SMALL), (0.9999, 0.999, 0.998, 0.98), True, prior=True),
}
BY_NUMBER: dict[int, Settings] = {s.number: s for s in PROFILES.values()}
