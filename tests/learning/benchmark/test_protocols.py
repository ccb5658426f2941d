"""Protocols on tests made so that each of their rules shows in a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.geometry.crs import LonLat
from geoloc.learning.benchmark.protocols import (
    Figure,
    Rules,
    SplitVectors,
    measure_test,
    protocols_of,
)
from geoloc.learning.datasets.crossview import Pair, Picture, Split
from tests.fixtures.splits import line, many_to_one, one_to_one


def _unit(angles_deg: list[float]) -> np.ndarray:
    """Vectors on the half circle: the nearer the angles, the more similar."""
    angles = np.radians(np.array(angles_deg, np.float64))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _measure(
    split: Split, vectors: SplitVectors, dataset: str, *, tile_width_m: float | None = None
) -> dict[tuple[str, str], Figure]:
    protocols = protocols_of(dataset, split, tile_width_m=tile_width_m)
    figures = measure_test(split, vectors, Rules(dataset, protocols, tile_width_m))
    return {(figure.protocol, figure.metric): figure for figure in figures}


def _toy(distractors: int = 2) -> tuple[Split, SplitVectors]:
    """One query, its reference, and distractors that are more similar."""
    references = [Picture(Path("right.jpg"), "0001")]
    references += [Picture(Path(f"{n}.jpg"), f"9{n:03}") for n in range(distractors)]
    query = (Picture(Path("query.jpg"), "0001"),)
    split = Split("toy", "drone", "satellite", query, tuple(references), (Pair(0, 0),))
    angles = [30.0] + [5.0 + n for n in range(distractors)]
    return split, SplitVectors(_unit([0.0]), _unit(angles))


def test_the_toy_case_ap_is_a_sixth_with_distractors_and_whole_without() -> None:
    split, vectors = _toy()
    figures = _measure(split, vectors, "university1652")
    assert figures["official", "AP"].value == pytest.approx(16.67, abs=0.01)
    assert figures["official", "R@1"].value == 0
    assert figures["sample4geo", "AP"].value == 100
    assert figures["sample4geo", "R@1"].value == 100
    assert figures["official", "AP"].references == 3
    assert figures["sample4geo", "AP"].references == 1


def test_top_one_percent_counts_the_distractors_that_are_dropped() -> None:
    asked = [Picture(Path(f"{n}.jpg"), f"{n}") for n in range(4)]
    extra = [Picture(Path(f"x{n}.jpg"), f"x{n}") for n in range(196)]
    pairs = tuple(Pair(n, n) for n in range(4))
    split = Split("top", "drone", "satellite", tuple(asked), tuple(asked + extra), pairs)
    # To every query the references rank as they stand: 1 % of 200 is index 2, the third one.
    angles = [10.0, 20.0, 30.0, 40.0] + [90.0] * 196
    figures = _measure(split, SplitVectors(_unit([0.0] * 4), _unit(angles)), "sues200")
    assert figures["sample4geo", "R@top1%"].value == 75
    assert figures["sample4geo", "R@1"].value == 25


def test_both_protocols_are_reported_even_where_they_agree() -> None:
    split = many_to_one(3, 2)
    vectors = SplitVectors(_unit([0, 1, 50, 51, 100, 101]), _unit([0, 50, 100]))
    figures = _measure(split, vectors, "university1652")
    for protocol in ("official", "sample4geo"):
        assert figures[protocol, "R@1"].value == 100
        assert figures[protocol, "AP"].value == 100


def test_one_percent_is_left_out_in_sample4geos_reading_where_it_looks_at_none() -> None:
    split = one_to_one([None] * 99)
    figures = _measure(split, SplitVectors(_unit([0.0] * 99), _unit([0.0] * 99)), "cvusa")
    assert ("one-right", "R@1% (Sample4Geo)") not in figures
    assert ("one-right", "R@1% (SAFA)") in figures


def test_both_readings_of_one_percent_differ_where_the_right_one_is_second() -> None:
    split = one_to_one([None] * 100)
    queries = _unit([0.0] * 100)
    references = _unit([float(n) for n in range(100)])
    figures = _measure(split, SplitVectors(queries, references), "cvact")
    assert figures["one-right", "R@1% (Sample4Geo)"].value == pytest.approx(1)
    assert figures["one-right", "R@1% (SAFA)"].value == pytest.approx(2)


def test_semi_positives_are_ignored_in_the_hit_rate_only() -> None:
    split = one_to_one(line(3))
    split = Split(
        "test", "ground", "satellite", split.queries, split.references, split.pairs, (Pair(0, 1),)
    )
    # Query 0 finds its semi-positive first, query 1 finds 0, which is no near miss of its.
    vectors = SplitVectors(_unit([9, 1, 80]), _unit([0, 10, 80]))
    figures = _measure(split, vectors, "vigor-same")
    assert figures["one-right", "R@1"].value == pytest.approx(100 / 3)
    assert figures["one-right", "hit rate"].value == pytest.approx(200 / 3)


def test_metres_are_those_of_the_first_reference() -> None:
    split = one_to_one([LonLat(0.0, 0.0), LonLat(0.0, 0.0001), LonLat(0.0, 0.01)])
    vectors = SplitVectors(_unit([10, 10, 80]), _unit([0, 10, 80]))
    figures = _measure(split, vectors, "vigor-cross")
    assert figures["metres", "L@10m"].value == pytest.approx(200 / 3)
    assert figures["metres", "L@25m"].value == 100  # a ten-thousandth of a degree is 11 m
    assert figures["metres", "median distance"].value == 0
    assert ("denseuav", "SDM@1") not in figures


def test_vigor_measures_on_its_own_sphere_and_others_on_the_ellipsoid() -> None:
    split = one_to_one([LonLat(0.0, 0.0), LonLat(0.0, 1.0)])
    vectors = SplitVectors(_unit([80, 80]), _unit([0, 80]))
    split = Split(
        "test",
        "ground",
        "satellite",
        split.queries[:1] * 2,
        split.references,
        (Pair(0, 0), Pair(1, 0)),
    )
    sphere = _measure(split, vectors, "vigor-same")["metres", "median distance"].value
    ellipsoid = _measure(split, vectors, "pairs")["metres", "median distance"].value
    assert sphere == pytest.approx(6_371_004 * np.pi / 180)
    assert ellipsoid == pytest.approx(110_574, abs=1)


def test_pairs_of_ones_own_have_every_figure_that_they_can_have() -> None:
    split = one_to_one(line(6))
    vectors = SplitVectors(_unit([0, 20, 40, 60, 80, 100]), _unit([0, 20, 40, 60, 80, 100]))
    figures = _measure(split, vectors, "pairs", tile_width_m=100.0)
    names = {protocol: [m for p, m in figures if p == protocol] for protocol, _ in figures}
    assert list(names) == ["one-right", "game4loc", "metres", "denseuav", "anyvisloc"]
    assert names["game4loc"] == [
        *("R@1", "R@5", "R@10", "AP", "SDM@1", "SDM@3", "SDM@5", "Dis@1", "Dis@3", "Dis@5")
    ]
    assert names["denseuav"][:4] == ["SDM@1", "SDM@3", "SDM@5", "MA@5m"]
    assert names["anyvisloc"] == ["PDM@1", "PDM@3", "PDM@5"]
    assert figures["game4loc", "SDM@1"].value == figures["denseuav", "SDM@1"].value == 100
    assert figures["game4loc", "Dis@1"].value == 0


def test_pairs_with_several_answers_are_not_measured_as_if_there_were_one() -> None:
    split = many_to_one(2, 2)
    swapped = Split(
        "test",
        "satellite",
        "drone",
        split.references,
        split.queries,
        tuple(Pair(pair.reference, pair.query) for pair in split.pairs),
    )
    assert protocols_of("pairs", split) == ("one-right", "game4loc")
    assert protocols_of("pairs", swapped) == ("game4loc",)


def test_without_positions_there_are_no_metres() -> None:
    assert protocols_of("cvusa", one_to_one([None, None])) == ("one-right",)
    assert protocols_of("cvusa", one_to_one([LonLat(1, 2), None])) == ("one-right",)


@given(st.integers(1, 30), st.integers(0, 20), st.integers(0, 1000))
def test_every_recall_is_a_whole_number_of_queries(queries: int, extra: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    split = many_to_one(queries, 1)
    split = Split(
        "test",
        "drone",
        "satellite",
        split.queries,
        (*split.references, *(Picture(Path(f"x{n}"), f"x{n}") for n in range(extra))),
        split.pairs,
    )
    vectors = SplitVectors(
        rng.normal(size=(queries, 4)).astype(np.float32),
        rng.normal(size=(queries + extra, 4)).astype(np.float32),
    )
    for dataset in ("university1652", "cvusa"):
        for (_, metric), figure in _measure(split, vectors, dataset).items():
            if metric.startswith(("R@", "hit")):
                right = figure.value / 100 * queries
                assert right == pytest.approx(round(right), abs=1e-9)


@given(st.integers(2, 20), st.integers(0, 1000))
def test_dropping_distractors_never_lowers_a_figure(places: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    split = many_to_one(places, 2)
    extra = tuple(Picture(Path(f"x{n}"), f"x{n}") for n in range(places))
    split = Split("t", "drone", "satellite", split.queries, split.references + extra, split.pairs)
    vectors = SplitVectors(
        rng.normal(size=(2 * places, 3)).astype(np.float32),
        rng.normal(size=(2 * places, 3)).astype(np.float32),
    )
    figures = _measure(split, vectors, "university1652")
    for metric in ("R@1", "R@5", "R@10", "R@top1%", "AP"):
        official, dropped = figures["official", metric], figures["sample4geo", metric]
        assert dropped.value >= official.value - 1e-9
