"""Forward-backward: exact, symmetric in time, and robust to frames that belong nowhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoloc.arrays import Float64Array
from geoloc.locate.track.motion import Motion, learn_motion, supposed_motions
from geoloc.locate.track.smoothing import Link, log_evidence, smooth

Evidence = list[NDArray[np.float64]]

odds = st.floats(-6, 6).map(lambda value: round(value, 2))
tracks = st.lists(st.lists(odds, max_size=2), min_size=1, max_size=5)


def evidence_of(track: list[list[float]]) -> Evidence:
    return [np.array(each, np.float64) for each in track]


def some_link(evidence: Evidence) -> Link:
    """A link that depends on everything: photos and candidates."""

    def link(before: int, after: int) -> NDArray[np.float64]:
        a, b = np.arange(len(evidence[before])), np.arange(len(evidence[after]))
        return np.asarray(np.sin(3.0 * before + after + 2.0 * a[:, None] + b[None]), np.float64)

    return link


def by_enumeration(evidence: Evidence, link: Link, reach: int) -> Evidence:
    """The same by the sum over all ways in which the photos may be somewhere."""
    found, total = [np.zeros(len(each)) for each in evidence], 0.0
    for chosen in itertools.product(*(range(-1, len(each)) for each in evidence)):
        on = [(photo, state) for photo, state in enumerate(chosen) if state >= 0]
        weight = sum(evidence[photo][state] for photo, state in on)
        for (before, a), (after, b) in itertools.pairwise(on):
            weight += link(before, after)[a, b] if after - before <= reach else 0.0
        total += np.exp(weight)
        for photo, state in on:
            found[photo][state] += np.exp(weight)
    return [each / total for each in found]


@given(tracks, st.integers(1, 4))
def test_it_is_the_sum_over_all_chains(track: list[list[float]], reach: int) -> None:
    evidence = evidence_of(track)
    link = some_link(evidence)
    found = smooth(evidence, link, reach=reach)
    for got, expected in zip(found, by_enumeration(evidence, link, reach), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-9)


@given(tracks)
def test_time_may_run_backwards(track: list[list[float]]) -> None:
    evidence = evidence_of(track)
    link, last = some_link(evidence), len(evidence) - 1
    ahead = smooth(evidence, link)
    back = smooth(evidence[::-1], lambda a, b: link(last - b, last - a).T)
    for one, other in zip(ahead, back[::-1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@given(tracks)
def test_without_links_every_photo_stands_alone(track: list[list[float]]) -> None:
    evidence = evidence_of(track)
    found = smooth(evidence, lambda a, b: np.zeros((len(evidence[a]), len(evidence[b]))))
    for got, alone in zip(found, evidence, strict=True):
        np.testing.assert_allclose(got, np.exp(alone) / (1 + np.exp(alone).sum()), atol=1e-9)


def on_a_line(*places_m: float, motion: Motion) -> Link:
    def link(before: int, after: int) -> NDArray[np.float64]:
        way = np.array([[abs(places_m[after] - places_m[before])]])
        return motion.log_link(way, float(after - before))

    return link


MOTION = Motion(speed=10.0, area_m2=2e6)


def test_neighbours_raise_a_place_between_them_and_sink_one_far_away() -> None:
    evidence = evidence_of([[5.0], [-2.0], [5.0]])
    between = smooth(evidence, on_a_line(0, 10, 20, motion=MOTION))
    away = smooth(evidence, on_a_line(0, 900, 20, motion=MOTION))
    assert between[1][0] > 0.9
    assert away[1][0] < 0.01
    assert away[0][0] > 0.99, "a wrong frame costs its own place only"


def test_however_many_neighbours_there_are_no_evidence_stays_none() -> None:
    evidence = evidence_of([[9.0]] * 5 + [[-12.0]] + [[9.0]] * 5)
    found = smooth(evidence, on_a_line(*[0.0] * 11, motion=MOTION))
    assert found[5][0] < 0.01


def test_a_long_gap_says_nothing() -> None:
    motion = Motion(speed=20.0, area_m2=2e6)
    assert motion.log_link(np.array([0.0, 500.0]), 200.0) == pytest.approx([0, 0], abs=0.1)


def test_speed_is_learned_from_the_ways_that_are_known() -> None:
    slow = learn_motion([2.0] * 4, [2.0] * 4, area_m2=2e6, in_seconds=True)
    assert slow is not None
    assert slow.speed == pytest.approx(1.5)
    assert learn_motion([2.0], [2.0], area_m2=2e6, in_seconds=False) is None
    assert learn_motion([], [], area_m2=2e6, in_seconds=True) is None


def test_a_drone_of_which_nothing_is_known_flies_as_drones_do_and_needs_a_clock() -> None:
    (usual,) = supposed_motions(is_street=False, area_m2=2e6, in_seconds=True)
    assert usual.reach_m(2.0) == pytest.approx(3 * np.hypot(25, 20))
    assert supposed_motions(is_street=False, area_m2=2e6, in_seconds=False) == []


def suiting_speed(way_m: float) -> float:
    """The speed of a street vehicle that comes so far in ten seconds, beside wrong places."""
    places = [np.array([way_m * n, 5000.0 + 997.0 * n]) for n in range(8)]

    def suits(motion: Motion) -> float:
        def link(before: int, after: int) -> Float64Array:
            ways_m = np.abs(places[before][:, None] - places[after][None])
            return motion.log_link(ways_m, 10.0 * (after - before))

        return log_evidence([np.array([-2.0, -2.0])] * 8, link)

    motions = supposed_motions(is_street=True, area_m2=2e6, in_seconds=True)
    return max(motions, key=suits).speed


def test_the_speed_of_who_is_in_a_street_is_that_which_suits_the_places() -> None:
    assert suiting_speed(15.0) < 15.0 == suiting_speed(150.0)
