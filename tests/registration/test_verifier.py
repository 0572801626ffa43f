import numpy as np

from geo3d.registration.frames.evidence import FULL, QUICK, SUPPORT
from geo3d.registration.frames.verifier import load_verifier


def test_the_shipped_verifier_reads_the_evidence_of_this_version() -> None:
    verifier = load_verifier()
    assert verifier.quick.names == QUICK
    assert verifier.full.names == verifier.own.names == FULL
    assert all((verifier.full.weights[FULL.index(name)] != 0) for name in SUPPORT)
    assert all((verifier.own.weights[FULL.index(name)] == 0) for name in SUPPORT)
    assert 0.5 <= verifier.threshold < 1


def test_outliers_and_missing_numbers_cannot_decide() -> None:
    full = load_verifier().full
    at_four = full.logit(full.mean + 4 * full.deviation)
    assert np.isclose(full.logit(full.mean + 1e9 * full.deviation), at_four)
    assert np.isfinite(full.logit(np.full(len(FULL), np.nan)))
    assert np.isclose(full.probability(full.mean), 1 / (1 + np.exp(-full.bias)))


def test_pairs_without_colour_are_judged_by_the_texture_of_shape() -> None:
    plain = load_verifier(colored=False)
    assert plain.full.names == FULL
    assert 0.5 < plain.threshold < 1
    for model in (plain.quick, plain.full):
        assert model.weights[model.names.index("colored")] == 0
        assert any(model.weights[model.names.index(name)] != 0 for name in ("grey", "tone", "magnitude", "chroma"))
