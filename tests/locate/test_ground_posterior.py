"""Properties of the distribution over the ground, on places anywhere on the Earth."""

from __future__ import annotations

import math
import random as python_random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.geometry.crs import LonLat
from geoloc.locate.ground_posterior import (
    GroundPlace,
    GroundPosterior,
    ground_posterior,
    shared_mass,
    with_best,
)

_POSITIONS = st.builds(LonLat, st.floats(-180, 179.999), st.floats(-90, 90))
_EVIDENCE = st.tuples(_POSITIONS, st.floats(1, 50), st.floats(-20, 20))


def _posterior(evidence: list[tuple[LonLat, float, float]]) -> GroundPosterior:
    return ground_posterior(*zip(*evidence, strict=True))


@given(st.lists(st.floats(-1e6, 1e6), max_size=9))
def test_the_mass_sums_to_one_whatever_the_odds(log_odds: list[float]) -> None:
    probabilities, none = shared_mass(log_odds)
    assert probabilities.sum() + none == pytest.approx(1.0)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_odds_of_one_share_with_none() -> None:
    probabilities, none = shared_mass([0.0, math.log(2)])
    assert probabilities.tolist() == pytest.approx([0.25, 0.5])
    assert none == pytest.approx(0.25)


@given(st.lists(_EVIDENCE, min_size=1, max_size=6), st.randoms())
def test_the_order_of_places_does_not_matter(
    evidence: list[tuple[LonLat, float, float]], random: python_random.Random
) -> None:
    one, other = _posterior(evidence), _posterior(random.sample(evidence, len(evidence)))
    assert [p.position for p in one.places] == [p.position for p in other.places]
    assert one.radius_m(0.9) == pytest.approx(other.radius_m(0.9))
    assert one.none == pytest.approx(other.none)


@given(_EVIDENCE, _EVIDENCE)
def test_another_place_never_shrinks_a_radius(
    best: tuple[LonLat, float, float], other: tuple[LonLat, float, float]
) -> None:
    both = _posterior([best, other])
    alone = GroundPosterior(both.places[:1])
    for share in (0.5, 0.9, 0.95):
        assert both.radius_m(share) >= alone.radius_m(share)


def test_one_place_has_the_radii_of_a_normal_distribution() -> None:
    alone = _posterior([(LonLat(10.0, 50.0), 10.0, 3.0)])
    assert alone.radius_m(0.9) == pytest.approx(21.46, abs=0.01)
    assert alone.radius_m(0.95) == pytest.approx(24.48, abs=0.01)


def test_a_likely_second_place_lies_within_the_radius() -> None:
    north = 1000 / 111_200
    places = (
        GroundPlace(LonLat(10.0, 50.0), 10.0, 0.8),
        GroundPlace(LonLat(10.0, 50.0 + north), 10.0, 0.15),
    )
    assert GroundPosterior(places).radius_m(0.9) == pytest.approx(1000, abs=20)
    unlikely = (places[0], places[1]._replace(probability=0.01))
    assert GroundPosterior(unlikely).radius_m(0.9) == pytest.approx(22, abs=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LonLat(179.9999, 10.0), LonLat(-179.9999, 10.0)),  # 22 m across the antimeridian
        (LonLat(0.0, 89.9999), LonLat(180.0 - 360.0, 89.9999)),  # 22 m across the pole
    ],
)
def test_the_antimeridian_and_the_poles_are_like_everywhere(one: LonLat, other: LonLat) -> None:
    posterior = _posterior([(one, 5.0, 2.0), (other, 5.0, 2.0)])
    assert posterior.spread_m() == pytest.approx(11.0, abs=0.3)
    assert posterior.radius_m(0.9) < 40


@given(st.lists(_EVIDENCE, min_size=1, max_size=6), st.floats(0, 1))
def test_a_calibrated_best_place_leaves_the_rest_to_the_others(
    evidence: list[tuple[LonLat, float, float]], probability: float
) -> None:
    before = _posterior(evidence)
    after = with_best(before, probability)
    assert after.places[0].position == before.places[0].position
    assert after.places[0].probability == probability
    assert sum(p.probability for p in after.places) + after.none == pytest.approx(1.0)
    assert all(p.probability <= probability for p in after.places)
