"""What a calibration makes of the answer of a street photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.geometry.crs import LonLat
from geoloc.locate.calibration import Calibration
from geoloc.locate.estimate import Estimate
from geoloc.locate.ground_posterior import GroundPlace
from geoloc.locate.street.evidence import FEATURES, StreetEvidence, cluster_share
from geoloc.locate.street.judging import judge

PLACES = (
    GroundPlace(LonLat(13.4, 52.5), 20.0, 0.4),
    GroundPlace(LonLat(13.41, 52.5), 20.0, 0.2),
    GroundPlace(LonLat(13.42, 52.5), 20.0, 0.0006),
)


def estimate() -> Estimate:
    return Estimate(
        position=PLACES[0].position,
        probability=0.4,
        radius_m=54.0,
        ce90_m=600.0,
        acc95_m=700.0,
        score=5.0,
        margin=1.2,
        n_modes=2,
        spread_m=200.0,
        candidates=PLACES,
        evidence=StreetEvidence(lead=2.0, score=5.0, horizon=0.0, cluster=0.5),
    )


def calibration(intercept: float) -> Calibration:
    """A curve that says the same of every photo."""
    count = len(FEATURES)
    return Calibration(
        source="photos",
        descriptor="abc",
        radius_m=50.0,
        features=FEATURES,
        mean=(0.0,) * count,
        scale=(1.0,) * count,
        low=(-10.0,) * count,
        high=(10.0,) * count,
        weights=(0.0,) * count,
        intercept=intercept,
    )


def test_without_a_calibration_the_answer_stands() -> None:
    assert judge(estimate(), None) == estimate()
    unknown = replace(estimate(), evidence=None)
    assert judge(unknown, calibration(3.0)) is unknown


def test_a_calibration_moves_the_probability_and_all_that_follows_from_it() -> None:
    sure = judge(estimate(), calibration(4.0))
    assert sure.probability == pytest.approx(1 / (1 + np.exp(-4.0)))
    assert (sure.conf_kind, sure.radius_m) == ("calibrated:photos", 50.0)
    assert sum(place.probability for place in sure.candidates) <= 1
    assert len(sure.candidates) == 2  # the third one has no share any more
    assert sure.n_modes == 1
    assert sure.ce90_m < 100 < estimate().ce90_m
    doubtful = judge(estimate(), calibration(-1.0))
    assert doubtful.acc95_m > 600


def test_the_best_tiles_of_a_place_are_counted_among_the_very_best() -> None:
    scores = np.array([5.0, 1.0, 4.0, 3.0, 2.0, 0.0])
    place = np.array([0, 2, 5])
    assert cluster_share(scores, place, 4) == pytest.approx(2 / 4)
    assert cluster_share(scores, place, 100) == pytest.approx(3 / 6)
