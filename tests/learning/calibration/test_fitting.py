"""Fits of calibrations, on evidence whose worth is known because it was drawn so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from geoloc.errors import OptionError
from geoloc.learning.calibration.fitting import fit_calibration
from geoloc.locate.calibration import Calibration
from geoloc.results.reliability import calibration_error, reliability_bins

pytest.importorskip("sklearn")
FEATURES = ("score", "implausible")
Rows = list[tuple[tuple[float, ...], bool]]


def draw(count: int, seed: int, *, odds: float = 0.0) -> Rows:
    """Answers that are right with log-odds of 2 score - implausible + odds."""
    rng = np.random.default_rng(seed)
    evidence = np.column_stack([rng.normal(0, 1.5, count), rng.uniform(0, 3, count)])
    truth = 1 / (1 + np.exp(-(2 * evidence[:, 0] - evidence[:, 1] + odds)))
    right = rng.uniform(0, 1, count) < truth
    return [(tuple(row), bool(fine)) for row, fine in zip(evidence.tolist(), right, strict=True)]


def fit(
    rows: Rows, prior: Calibration | None = None, assumed: Sequence[float] | None = None
) -> Calibration:
    return fit_calibration(
        rows,
        features=FEATURES,
        source="photos",
        descriptor="abc",
        radius_m=50.0,
        made_of="drawn",
        prior=prior,
        assumed=assumed,
    )


def error_on(calibration: Calibration, rows: Rows) -> float:
    confidence = np.array([calibration.probability(values) for values, _ in rows])
    found = calibration_error(reliability_bins(confidence, np.array([fine for _, fine in rows])))
    assert found is not None
    return found


def test_confidences_hold_on_answers_that_were_not_fitted() -> None:
    calibration = fit(draw(400, 0))
    assert error_on(calibration, draw(4000, 1)) < 0.05
    assert len(calibration.outcomes) == 400


def test_the_order_of_photos_does_not_matter() -> None:
    rows = draw(60, 2)
    one, other = fit(rows), fit(rows[::-1])
    assert one.probability((0.5, 1.0)) == pytest.approx(other.probability((0.5, 1.0)), abs=1e-6)


def test_evidence_never_counts_the_wrong_way() -> None:
    rows = [((-score, odd), fine) for (score, odd), fine in draw(200, 3)]
    calibration = fit(rows)  # here a higher score comes with wrong answers, by construction
    assert calibration.weights[0] == 0.0
    assert calibration.weights[1] <= 0.0


def test_a_few_photos_move_what_other_maps_taught() -> None:
    prior = fit(draw(300, 4))
    poorer = fit(draw(60, 5, odds=-3.0), prior)
    assert error_on(poorer, draw(4000, 6, odds=-3.0)) < error_on(prior, draw(4000, 6, odds=-3.0))
    all_right = [(values, True) for values, _ in draw(12, 7)]
    assert 0.5 < fit(all_right, prior).probability((1.0, 0.0)) < 1.0


def test_a_curve_set_by_hand_draws_the_fit_and_does_not_replace_it() -> None:
    poorer, usual = draw(200, 10, odds=-3.0), draw(4000, 11)
    hand = [1 / (1 + np.exp(-(2 * score - odd))) for (score, odd), _ in poorer]
    alone, drawn = fit(poorer), fit(poorer, assumed=hand)
    assert error_on(drawn, usual) < error_on(alone, usual)
    sure, worse = (2.0, 1.0), 1 / (1 + np.exp(-(4.0 - 1.0 - 3.0)))
    assert worse - 0.2 < alone.probability(sure) < drawn.probability(sure) < 1 / (1 + np.exp(-3.0))
    assert len(drawn.outcomes) == 200, "it adds no photos"


def test_too_few_photos_or_one_kind_alone_are_refused() -> None:
    with pytest.raises(OptionError, match="10 or more"):
        fit(draw(9, 8))
    with pytest.raises(OptionError, match="both kinds"):
        fit([(values, True) for values, _ in draw(20, 9)])
