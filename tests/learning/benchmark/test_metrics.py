"""The figures against their definitions, worked out by hand or the slow way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.learning.benchmark import metrics
from geoloc.learning.benchmark.ranking import NEVER, AllRight, Groups, RightRanks, count_all
from geoloc.learning.datasets.crossview import Pair


def _ranks(scores: list[float], right: set[int]) -> RightRanks:
    """The ranks of one query whose similarities to all references are given."""
    count = AllRight(Groups.of([Pair(0, r) for r in sorted(right)], 1))
    references = np.array([scores], np.float32).T
    for _ in count_all(np.ones((1, 1), np.float32), references, [count]):
        pass
    return count.result()


def _trapezoid_slow(scores: list[float], right: set[int]) -> float:
    """As the field's evaluator loops: old and new precision at each right answer."""
    ordered = sorted(range(len(scores)), key=lambda r: (-scores[r], r in right))
    rows = [rank for rank, r in enumerate(ordered) if r in right]
    total = 0.0
    for number, row in enumerate(rows):
        precision = (number + 1) / (row + 1)
        old = number / row if row != 0 else 1.0
        total += (old + precision) / 2 / len(rows)
    return total


def _steps_slow(scores: list[float], right: set[int]) -> float:
    """Sum over all thresholds of the gain in recall times the precision."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        above = {r for r, score in enumerate(scores) if score >= threshold}
        reached = len(above & right) / len(right)
        total += (reached - recall) * len(above & right) / len(above)
        recall = reached
    return total


_SCORES = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=14)


@pytest.mark.slow
@given(_SCORES, st.sets(st.integers(0, 13), min_size=1))
def test_average_precision_is_that_of_the_slow_textbook_versions(
    scores: list[float], chosen: set[int]
) -> None:
    right = {r for r in chosen if r < len(scores)} or {0}
    ranks = _ranks(scores, right)
    assert metrics.trapezoid_precision(ranks)[0] == pytest.approx(_trapezoid_slow(scores, right))
    assert metrics.step_precision(ranks)[0] == pytest.approx(_steps_slow(scores, right))


def test_the_toy_case_two_distractors_above_the_right_one_cost_five_sixths_of_ap() -> None:
    assert metrics.trapezoid_precision(_ranks([0.9, 0.8, 0.7], {2}))[0] == pytest.approx(1 / 6)
    assert metrics.trapezoid_precision(_ranks([0.7], {0}))[0] == 1.0


def test_a_query_without_a_right_answer_is_0_by_trapezoids_and_left_out_by_steps() -> None:
    ranks = AllRight(Groups.of([], 2)).result()
    assert metrics.trapezoid_precision(ranks).tolist() == [0, 0]
    assert np.isnan(metrics.step_precision(ranks)).all()


def test_recall_counts_ranks_below_k_and_those_without_an_answer_as_missed() -> None:
    ranks = np.array([0, 4, 5, NEVER])
    assert metrics.recall_at(ranks, 1) == 0.25
    assert metrics.recall_at(ranks, 5) == 0.5
    assert metrics.recall_at(ranks, 10) == 0.75


@given(st.integers(1, 100_000))
def test_one_percent_is_as_both_evaluators_compute_it(references: int) -> None:
    assert metrics.one_percent_sample4geo(references) == math.floor(references / 100)
    assert metrics.one_percent_safa(references) == int(references * 0.01) + 1


def test_one_percent_of_cvusa_is_88_or_89() -> None:
    assert metrics.one_percent_sample4geo(8884) == 88
    assert metrics.one_percent_safa(8884) == 89


@pytest.mark.parametrize(("gallery", "k"), [(951, 11), (51_355, 515), (200, 3), (10, 1), (150, 3)])
def test_top_one_percent_is_an_index_from_0(gallery: int, k: int) -> None:
    assert metrics.top_one_percent(gallery) == k


def test_sdm_weighs_the_first_most() -> None:
    distances = np.array([[0.0, 1000.0, 2000.0]])
    expected = (3 + 2 * math.exp(-1) + math.exp(-2)) / 6
    assert metrics.distance_score(distances, 3, decay=1e-3) == pytest.approx(expected)
    assert metrics.distance_score(distances, 1, decay=1e-3) == 1.0


def test_sdm_of_denseuav_is_in_degrees() -> None:
    distances = np.array([[0.0], [2e-4]])
    expected = (1 + math.exp(-1)) / 2
    decay = metrics.DENSEUAV_DECAY_PER_DEGREE
    assert metrics.distance_score(distances, 1, decay=decay) == pytest.approx(expected)


def test_pdm_is_half_at_nine_tenths_of_a_tile_and_0_far_away() -> None:
    distances = np.array([[90.0, 0.0, 1e9]])
    first = 1 / (1 + math.exp(6 * -0.9))
    expected = (3 * 0.5 + 2 * first) / 6
    score = metrics.window_score(distances, 3, tile_width_m=100.0)
    assert score == pytest.approx(expected)


def test_the_limit_is_near_enough_for_l_and_too_far_for_ma() -> None:
    distances = np.array([[5.0, 0.0], [4.0, 0.0], [6.0, 0.0], [7.0, 0.0]])
    assert metrics.share_within(distances, 5) == 0.5
    assert metrics.share_below(distances, 5) == 0.25


def test_dis_is_the_mean_of_the_k_best() -> None:
    distances = np.array([[1.0, 3.0, 100.0], [5.0, 7.0, 100.0]])
    assert metrics.mean_distance_m(distances, 1) == 3.0
    assert metrics.mean_distance_m(distances, 2) == 4.0


@given(st.floats(-170, 170), st.floats(-80, 80), st.floats(-1, 1), st.floats(-1, 1))
def test_the_sphere_differs_from_the_ellipsoid_by_less_than_one_percent(
    lon: float, lat: float, east: float, north: float
) -> None:
    a, b = LonLat(lon, lat), LonLat(lon + east, lat + north)
    sphere = metrics.great_circle_m(np.array(a), np.array(b), radius_m=metrics.VIGOR_RADIUS_M)
    assert float(sphere) == pytest.approx(distance_m(a, b), rel=0.01, abs=1e-3)
