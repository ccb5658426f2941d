"""Candidates of a track's photos: one a place, and which of several that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geoloc.locate.track.candidate_lists import CandidateLists
from geoloc.locate.track.second_search import Candidate, log_odds, single_candidates
from geoloc.results.schema import PhotoResult

DEG_A_M = 1 / 111_320  # along the equator


def candidate(at_m: float, evidence: float) -> Candidate:
    return Candidate(at_m * DEG_A_M, 0.0, evidence, PhotoResult("p", "ambiguous"))


def test_a_place_that_the_map_speaks_for_stays_and_takes_the_better_evidence() -> None:
    lists = CandidateLists([[candidate(0.0, -1.0), candidate(500.0, 2.0)]], 25.0)
    is_new = lists.add(0, replace(candidate(10.0, 0.0), is_carried=True))
    assert not is_new
    assert [(one.is_carried, one.log_odds) for one in lists[0]] == [(False, 2.0), (False, 0.0)]


def test_a_place_of_which_no_camera_is_known_gets_one() -> None:
    lists = CandidateLists([[replace(candidate(0.0, 1.0), ce90_m=30.0)]], 25.0)
    assert lists.add(0, replace(candidate(10.0, 0.0), is_carried=True))
    (found,) = lists[0]
    assert not found.is_other
    assert found.log_odds == 1.0


def test_a_place_elsewhere_is_another_one() -> None:
    lists = CandidateLists([[candidate(0.0, 1.0)], []], 25.0)
    assert lists.add(0, candidate(30.0, 0.0))
    assert lists.add(1, candidate(0.0, 0.0))
    assert [len(lists[0]), len(lists[1])] == [2, 1]


@pytest.mark.parametrize("confidence", [0.2, 0.9, 0.99])
def test_an_uncalibrated_confidence_never_says_more_for_a_place(confidence: float) -> None:
    row = PhotoResult("p", "located", longitude=0.0, latitude=0.0, confidence=confidence)
    (stated,) = single_candidates(replace(row, conf_kind="calibrated:map"))
    (doubtful,) = single_candidates(replace(row, conf_kind="uncalibrated"))
    assert stated.log_odds == pytest.approx(log_odds(confidence))
    if confidence > 0.5:
        assert 0 < doubtful.log_odds < stated.log_odds
    else:
        assert doubtful.log_odds == stated.log_odds
