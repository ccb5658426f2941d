"""A matcher's matches as evidence: more speak for a place, none against it, chance for nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest

from geoloc.locate.drone.matcher_evidence import CURVES, Hints, matcher_llr
from geoloc.locate.drone.posterior import log_odds, posterior
from geoloc.options import LearnedMatcher
from tests.fixtures.search import place


@pytest.mark.parametrize("name", get_args(LearnedMatcher))
def test_silence_is_evidence_against_a_place_and_many_hints_for_it(name: LearnedMatcher) -> None:
    assert matcher_llr(name, Hints(0, 0)) < 0 < matcher_llr(name, Hints(60, 0))


@pytest.mark.parametrize("name", get_args(LearnedMatcher))
def test_each_hint_more_never_speaks_against_and_each_by_chance_never_for(
    name: LearnedMatcher,
) -> None:
    rising = [matcher_llr(name, Hints(count, 5)) for count in range(400)]
    falling = [matcher_llr(name, Hints(60, count)) for count in range(60)]
    assert all(a <= b for a, b in pairwise(rising))
    assert all(a >= b for a, b in pairwise(falling))
    assert max(rising) <= CURVES[name].most


def test_as_many_hints_on_the_mirrored_map_are_no_evidence_for_a_place() -> None:
    assert matcher_llr("xfeat", Hints(50, 50)) == matcher_llr("xfeat", Hints(0, 0))


def test_log_odds_of_keypoints_and_matcher_add_up() -> None:
    found = place(0, 0, score=90)
    assert log_odds(found) == pytest.approx(0)
    assert log_odds(replace(found, matcher_llr=2.5)) == pytest.approx(2.5)


def test_a_matcher_that_was_not_asked_changes_no_place() -> None:
    """Places that nobody was asked about are as weak as their keypoints; asked ones less so."""
    weak = place(0, 0, score=1)
    assert log_odds(weak) < -10
    found = posterior([weak, place(500, 0, score=100)])
    assert found is not None
    assert found.probabilities[1] < 1e-5


def test_the_matcher_decides_between_places_that_keypoints_cannot_tell_apart() -> None:
    seen = replace(place(0, 0, score=90), matcher_llr=matcher_llr("xfeat", Hints(53, 0)))
    unseen = replace(place(500, 0, score=100), matcher_llr=matcher_llr("xfeat", Hints(0, 0)))
    found = posterior([unseen, seen])
    assert found is not None
    assert found.best is seen
    assert found.probability > 0.9
    assert found.probabilities[1] < 0.1
