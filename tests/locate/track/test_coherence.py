"""Photos of one vehicle are told from photos that have nothing to do with each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.arrays import Float64Array
from geoloc.locate.track.coherence import (
    Neighbourhood,
    log_any_order,
    log_independence,
    log_motion,
    log_no_order,
    supposed_speeds,
)
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.smoothing import Link, log_evidence

AREA_M2 = 2e6

odds = st.floats(-6, 6).map(lambda value: round(value, 2))
tracks = st.lists(st.lists(odds, max_size=2), min_size=1, max_size=5)


def evidence_of(track: list[list[float]]) -> list[Float64Array]:
    return [np.array(each, np.float64) for each in track]


def zeros_of(evidence: list[Float64Array]) -> Neighbourhood:
    return Neighbourhood([np.zeros(len(each)) for each in evidence], 0.0)


@given(tracks)
def test_independence_is_the_sum_over_all_ways_to_be_somewhere(track: list[list[float]]) -> None:
    evidence = evidence_of(track)
    total = 0.0
    for chosen in itertools.product(*(range(-1, len(each)) for each in evidence)):
        weights = (evidence[photo][state] for photo, state in enumerate(chosen) if state >= 0)
        total += np.exp(sum(weights))
    assert log_independence(evidence) == pytest.approx(np.log(total))


@given(tracks)
def test_a_link_that_says_nothing_is_independence(track: list[list[float]]) -> None:
    evidence = evidence_of(track)

    def link(before: int, after: int) -> Float64Array:
        return np.zeros((len(evidence[before]), len(evidence[after])))

    expected = pytest.approx(log_independence(evidence))
    assert log_evidence(evidence, link) == expected
    assert log_motion(evidence, [link, link]) == expected
    assert log_no_order(evidence, zeros_of(evidence)) == expected


@given(tracks, st.integers(1, 5))
def test_more_motions_that_say_nothing_gain_nothing(track: list[list[float]], more: int) -> None:
    evidence = evidence_of(track)

    def near(before: int, after: int) -> Float64Array:
        return np.ones((len(evidence[before]), len(evidence[after])))

    def nothing(before: int, after: int) -> Float64Array:
        return np.zeros((len(evidence[before]), len(evidence[after])))

    among = log_motion(evidence, [near, *[nothing] * more])
    assert among <= log_motion(evidence, [near]) + 1e-9


@given(st.lists(st.floats(1, 500), min_size=2, max_size=9), st.floats(0.001, 1000))
def test_speeds_by_number_do_not_depend_on_how_numbers_are_counted(
    steps: list[float], factor: float
) -> None:
    clock = np.cumsum(steps)
    counted = supposed_speeds(list(clock), in_seconds=False)
    otherwise = supposed_speeds(list(clock * factor), in_seconds=False)
    np.testing.assert_allclose(np.array(otherwise) * factor, counted)
    assert supposed_speeds(list(clock), in_seconds=True) == supposed_speeds([], in_seconds=True)


def test_numbers_that_stand_still_tell_no_speed_but_raise_nothing() -> None:
    assert all(np.isfinite(supposed_speeds([3.0, 3.0], in_seconds=False)))


@given(st.integers(1, 30), st.floats(-50, 50))
def test_what_an_order_by_chance_may_have_is_learned_from_some(count: int, weight: float) -> None:
    seen: list[list[int]] = []

    def log_motion_of(order: Sequence[int]) -> float:
        seen.append(list(order))
        return weight + len(seen) % 2

    found = log_any_order(log_motion_of, count)
    assert found == pytest.approx(weight + 0.5 + 3 * np.std([0, 1] * 4, ddof=1))
    assert all(sorted(order) == list(range(count)) for order in seen)
    first, seen[:] = list(seen), []
    assert log_any_order(log_motion_of, count) == pytest.approx(found)
    assert seen == first, "the same photos get the same orders"


def factor_of(east_m: Float64Array) -> float:
    """Log Bayes factor for a motion of photos 10 s apart on a line, each sure of its place."""
    evidence = [np.array([4.0])] * len(east_m)

    def motion(speed: float) -> Motion:
        return Motion(speed, AREA_M2)

    def link_of(speed: float) -> Link:
        def link(before: int, after: int) -> Float64Array:
            way_m = np.array([[abs(east_m[before] - east_m[after])]])
            return motion(speed).log_link(way_m, 10.0 * (after - before))

        return link

    middle = np.median(east_m)
    around = motion(float(np.median(np.abs(east_m - middle))) / 1.177)
    ratios = [around.log_link(np.array([abs(each - middle)]), 1.0) for each in east_m]
    peak = float(around.log_link(np.zeros(1), 1.0)[0])
    motions = [link_of(speed) for speed in supposed_speeds([], in_seconds=True)]
    return log_motion(evidence, motions) - log_no_order(evidence, Neighbourhood(ratios, peak))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_a_flight_speaks_for_it_and_any_other_against_it(seed: int) -> None:
    flown = np.arange(20, dtype=np.float64) * 50.0
    assert factor_of(flown) > 10
    assert factor_of(np.random.default_rng(seed).permutation(flown)) < -5
