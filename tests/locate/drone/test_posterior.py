"""The posterior over places: shared among rivals, grown by evidence, never more than one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.geometry.camera import Camera
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.locate.drone.posterior import distinct_places, posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import Estimate
from tests.fixtures.search import georeferenced, place

SCORES = st.floats(0, 1e5)
FRAME = LocalFrame(LonLat(13.4, 52.5))


def estimate_of(*places: VerifiedPose) -> Estimate:
    """What the posterior over some places comes to."""
    found = posterior(places)
    assert found is not None
    return georeferenced(found, Camera(640, 480, 500.0), FRAME)


def test_no_candidate_is_no_posterior() -> None:
    assert posterior([]) is None


@given(st.lists(SCORES, min_size=1, max_size=8))
def test_probabilities_of_all_places_are_at_most_one(scores: list[float]) -> None:
    places = [place(500.0 * i, 0.0, score=score) for i, score in enumerate(scores)]
    found = posterior(places)
    assert found is not None
    assert 0 <= found.probability <= 1
    assert found.best.score == max(scores)
    # All places at the best one's score would share what is there to share.
    assert found.probability <= 1 / scores.count(max(scores)) + 1e-12


@given(st.floats(1, 1e4), st.floats(1.01, 3))
def test_more_score_is_more_probability(score: float, factor: float) -> None:
    one, more = (posterior([place(0, 0, score=s)]) for s in (score, factor * score))
    assert one is not None
    assert more is not None
    assert more.probability >= one.probability
    assert more.probability > one.probability or one.probability > 0.999


def test_equal_rivals_halve_the_probability() -> None:
    alone = estimate_of(place(0, 0, score=2000.0))
    both = estimate_of(place(0, 0, score=2000.0), place(900, 0, score=2000.0))
    assert alone.probability > 0.95
    assert both.probability == pytest.approx(0.5, abs=0.03)
    assert (alone.n_modes, both.n_modes) == (1, 2)
    assert both.margin == pytest.approx(1.0)
    assert both.spread_m == pytest.approx(450, rel=0.01)
    assert alone.spread_m == pytest.approx(0, abs=1e-6)


@given(SCORES, SCORES)
def test_a_rival_never_raises_the_probability(score: float, rival_score: float) -> None:
    alone = estimate_of(place(0, 0, score=score))
    both = estimate_of(place(0, 0, score=score), place(900, 0, score=rival_score))
    if rival_score <= score:
        assert both.probability <= alone.probability
        assert both.margin >= 1 or rival_score <= 0


def test_a_weak_candidate_alone_is_improbable() -> None:
    weak, none = posterior([place(0, 0, score=5.0)]), posterior([place(0, 0, score=0.0)])
    assert weak is not None
    assert none is not None
    assert weak.probability < 0.1
    assert none.probability < 0.01


def test_candidates_near_each_other_are_one_place() -> None:
    alone = posterior([place(0, 0, score=300.0)])
    twice = posterior([place(5, 5, score=250.0), place(0, 0, score=300.0)])
    assert alone is not None
    assert twice is not None
    assert twice.probability == alone.probability
    assert twice.best.score == 300.0
    assert len(twice.places) == 1
    assert estimate_of(*twice.places).margin == 100.0


def test_the_same_metres_in_another_region_are_another_place() -> None:
    here, there = place(0, 0, score=300.0), place(0, 0, score=200.0, region=1)
    assert distinct_places([there, here]) == [here, there]
    found = posterior([here, there])
    assert found is not None
    assert found.places[1] is there
    assert estimate_of(here, there).spread_m == pytest.approx(
        0, abs=1e-6
    )  # metres of two frames do not mix


def test_places_come_best_first_whatever_their_order() -> None:
    places = [place(300.0 * i, 0, score=s) for i, s in enumerate([50.0, 400.0, 120.0])]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        found = distinct_places([places[i] for i in order])
        assert [one.score for one in found] == [400.0, 120.0, 50.0]


def test_radii_grow_with_the_share_they_hold() -> None:
    estimate = estimate_of(place(0, 0, score=300.0))
    # Never surer than the map itself, whatever the fit says.
    assert 2.146 * 2 < estimate.ce90_m < estimate.acc95_m < 60


def test_one_scene_under_two_tilts_is_one_place() -> None:
    steep = place(0, 0, score=300.0)
    # The same ground in the middle of the photo, seen from 120 m further away.
    flat = replace(place(0, -120, score=1800.0), peak=steep.peak)
    assert distinct_places([steep, flat]) == [flat]
    elsewhere = replace(flat, peak=replace(flat.peak, x_m=200.0))
    assert len(distinct_places([steep, elsewhere])) == 2
