"""A place is settled where those before and behind it lead, and only then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.locate.track.second_search import Candidate
from geoloc.locate.track.settled import settled
from geoloc.results.schema import PhotoResult

DEG_A_M = 1 / 111_320  # along the equator


def place(east_m: float, *, north_m: float = 0.0, confidence: float = 0.9999) -> Candidate:
    row = PhotoResult("p", "located", view="drone", confidence=confidence)
    return Candidate(east_m * DEG_A_M, north_m * DEG_A_M, 5.0, row)


def line(count: int = 10) -> dict[int, Candidate]:
    return {at: place(50.0 * at) for at in range(count)}


def clock_of(sure: dict[int, Candidate]) -> list[float]:
    return [10.0 * at for at in range(max(sure) + 1)]


def test_all_of_a_straight_flight_but_its_ends_are_settled() -> None:
    sure = line()
    assert settled(sure, clock_of(sure)) == frozenset(range(1, 9))


def test_one_beside_the_way_is_not_nor_are_those_whose_way_it_bends() -> None:
    sure = {**line(), 4: place(200.0, north_m=120.0)}
    assert settled(sure, clock_of(sure)) == frozenset({1, 2, 6, 7, 8})


@given(st.integers(0, 9))
def test_a_gap_is_bridged_by_the_time_that_it_took(left_out: int) -> None:
    sure = line()
    clock = clock_of(sure)
    del sure[left_out]
    order = sorted(sure)
    assert settled(sure, clock) == frozenset(order[1:-1])


@pytest.mark.parametrize(("confidence", "is_settled"), [(0.9999, True), (0.99, False)])
def test_where_all_turn_only_who_is_certain_is_settled(confidence: float, is_settled: bool) -> None:
    sure = {at: place(50.0 * at, north_m=60.0 * (at % 2)) for at in range(10)}
    sure[5] = place(250.0, north_m=60.0, confidence=confidence)
    assert (5 in settled(sure, clock_of(sure))) is is_settled


def test_too_few_ways_tell_nothing() -> None:
    sure = line(6)
    assert settled(sure, clock_of(sure)) == frozenset()


def test_a_clock_that_stands_still_settles_nothing() -> None:
    sure = line()
    assert settled(sure, [0.0] * 10) == frozenset()
    assert settled({}, []) == frozenset()
