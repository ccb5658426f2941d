"""Belief: shared among rivals, grown by evidence, never more than one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.locate.drone.posterior import believe, distinct_places
from tests.fixtures.search import place

SCORES = st.floats(0, 1e5)


def test_no_candidate_is_no_belief() -> None:
    assert believe([]) is None


@given(st.lists(SCORES, min_size=1, max_size=8))
def test_probabilities_of_all_places_are_at_most_one(scores: list[float]) -> None:
    places = [place(500.0 * i, 0.0, score=score) for i, score in enumerate(scores)]
    belief = believe(places)
    assert belief is not None
    assert 0 <= belief.probability <= 1
    assert belief.best.score == max(scores)
    # All places at the best one's score would share what is there to share.
    assert belief.probability <= 1 / scores.count(max(scores)) + 1e-12


@given(st.floats(1, 1e4), st.floats(1.01, 3))
def test_more_score_is_more_probability(score: float, factor: float) -> None:
    one, more = (believe([place(0, 0, score=s)]) for s in (score, factor * score))
    assert one is not None
    assert more is not None
    assert more.probability >= one.probability
    assert more.probability > one.probability or one.probability > 0.999


def test_equal_rivals_halve_the_belief() -> None:
    alone = believe([place(0, 0, score=2000.0)])
    both = believe([place(0, 0, score=2000.0), place(900, 0, score=2000.0)])
    assert alone is not None
    assert both is not None
    assert alone.probability > 0.95
    assert both.probability == pytest.approx(0.5, abs=0.03)
    assert (alone.n_modes, both.n_modes) == (1, 2)
    assert both.margin == pytest.approx(1.0)
    assert both.spread_m == pytest.approx(450, rel=0.01)
    assert alone.spread_m == pytest.approx(0, abs=1e-6)


@given(SCORES, SCORES)
def test_a_rival_never_raises_the_belief(score: float, rival_score: float) -> None:
    alone = believe([place(0, 0, score=score)])
    both = believe([place(0, 0, score=score), place(900, 0, score=rival_score)])
    assert alone is not None
    assert both is not None
    if rival_score <= score:
        assert both.probability <= alone.probability
        assert both.margin >= 1 or both.rival is None or both.rival.score <= 0


def test_a_weak_candidate_alone_is_not_believed() -> None:
    weak, none = believe([place(0, 0, score=5.0)]), believe([place(0, 0, score=0.0)])
    assert weak is not None
    assert none is not None
    assert weak.probability < 0.1
    assert none.probability < 0.01


def test_candidates_near_each_other_are_one_place() -> None:
    alone = believe([place(0, 0, score=300.0)])
    twice = believe([place(5, 5, score=250.0), place(0, 0, score=300.0)])
    assert alone is not None
    assert twice is not None
    assert twice.probability == alone.probability
    assert twice.best.score == 300.0
    assert twice.rival is None
    assert twice.margin == 100.0


def test_the_same_metres_in_another_region_are_another_place() -> None:
    here, there = place(0, 0, score=300.0), place(0, 0, score=200.0, region=1)
    assert distinct_places([there, here]) == [here, there]
    belief = believe([here, there])
    assert belief is not None
    assert belief.rival is there
    assert belief.spread_m == pytest.approx(0, abs=1e-6)  # metres of two frames do not mix


def test_places_come_best_first_whatever_their_order() -> None:
    places = [place(300.0 * i, 0, score=s) for i, s in enumerate([50.0, 400.0, 120.0])]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        found = distinct_places([places[i] for i in order])
        assert [one.score for one in found] == [400.0, 120.0, 50.0]


def test_radii_grow_with_the_share_they_hold() -> None:
    belief = believe([place(0, 0, score=300.0)])
    assert belief is not None
    # Never surer than the map itself, whatever the fit says.
    assert 2.146 * 2 < belief.ce90_m < belief.acc95_m < 60


def test_one_scene_under_two_tilts_is_one_place() -> None:
    steep = place(0, 0, score=300.0)
    # The same ground in the middle of the photo, seen from 120 m further away.
    flat = replace(place(0, -120, score=1800.0), peak=steep.peak)
    assert distinct_places([steep, flat]) == [flat]
    elsewhere = replace(flat, peak=replace(flat.peak, x_m=200.0))
    assert len(distinct_places([steep, elsewhere])) == 2
