"""A logistic verdict on a pose, trained with pairs that do not overlap at all (see `geo3d.registration.training`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.registration.frames.evidence import FULL, QUICK


@dataclass(frozen=True, eq=False)
class Logistic:
    """probability = sigmoid(weights . clip((x - mean) / deviation) + bias); names of x in order."""

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def logit(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """[...] log-odds of [..., len(names)] evidence; outliers count as four deviations."""
        z = np.clip((np.nan_to_num(x) - self.mean) / self.deviation, -4, 4)
        return np.asarray(z @ self.weights + self.bias)

    def probability(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """[...] calibrated probability."""
        return np.asarray(1 / (1 + np.exp(-self.logit(x))))


@dataclass(frozen=True, eq=False)
class Verifier:
    """quick: ranks raw hypotheses; full: judges refined ones; own: the same without the ways that led there (full where
    it knows none); threshold: least probability that is accepted."""

    quick: Logistic
    full: Logistic
    own: Logistic
    threshold: float


@cache
def load_verifier(colored: bool = True) -> Verifier:
    """The trained verifier that comes with the package; where one frame has no colour, shape must say more."""
    name = "verifier.json" if colored else "verifier_plain.json"
    data = json.loads(files("geo3d.registration.frames").joinpath(name).read_text())
    quick, full = (logistic_of(data[k], names) for k, names in (("quick", QUICK), ("full", FULL)))
    own = logistic_of(data["own"], FULL) if "own" in data else full
    return Verifier(quick, full, own, float(data["threshold"]))


def logistic_of(data: dict[str, Any], names: tuple[str, ...]) -> Logistic:
    """The stored model over all evidence that is gathered; what it does not know weighs nothing."""
    if not set(data["names"]) <= set(names):
        raise FormatError(f"the verifier was trained on other evidence ({data['names']}) than this version gathers")
    at = [names.index(n) for n in data["names"]]
    mean, deviation, weights = np.zeros(len(names)), np.ones(len(names)), np.zeros(len(names))
    for full, key in ((mean, "mean"), (deviation, "deviation"), (weights, "weights")):
        full[at] = data[key]
    return Logistic(names, mean, deviation, weights, float(data["bias"]))
