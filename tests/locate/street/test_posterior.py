"""The posterior of street photos: what speaks for a place, what against it, and where it is."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.locate.estimate import Estimate
from geoloc.locate.street.posterior import (
    STREET_POSTERIOR,
    StreetPosteriorParameters,
    estimate_place,
    tail_scale,
)
from geoloc.locate.street.search import StreetMatch
from geoloc.locate.street.tile_map import TileMap

FRAME = LocalFrame(LonLat(13.4, 52.5))
COLUMNS, SIDE_M, STRIDE_M = 16, 60.0, 30.0
HEADINGS = np.arange(0, 360, 30.0)
# What a network without headings is believed at most.
MOST = STREET_POSTERIOR.most_of_whole


def tiles() -> TileMap:
    """A square of 16 by 16 tiles, half overlapping."""
    lonlat = FRAME.to_lonlat(np.array([_centre(row) for row in range(COLUMNS**2)]))
    return TileMap(lonlat[:, 0], lonlat[:, 1], np.full(len(lonlat), SIDE_M))


def _centre(row: int) -> tuple[float, float]:
    return row % COLUMNS * STRIDE_M, row // COLUMNS * STRIDE_M


def match_of(scores: np.ndarray, *, headings: np.ndarray | None = None) -> StreetMatch:
    """A match whose tiles score so under their best heading, and 0.2 less under all others."""
    if headings is None:
        headings = np.zeros(len(scores), int)
    table = np.repeat((scores - 0.2)[:, None], len(HEADINGS), axis=1)
    table[np.arange(len(scores)), headings] = scores
    rows = np.arange(len(scores))
    return StreetMatch(HEADINGS, rows, table.astype(np.float32), rows, scores.astype(np.float32))


def chance(seed: int) -> np.ndarray:
    """Scores of a photo of somewhere else."""
    return np.random.default_rng(seed).normal(0.1, 0.05, COLUMNS**2)


def estimate_of(match: StreetMatch) -> Estimate:
    estimate = estimate_place(match, tiles())
    assert estimate is not None
    return estimate


def test_the_best_of_chance_is_hardly_ever_probable() -> None:
    probabilities = [estimate_of(match_of(chance(seed))).probability for seed in range(100)]
    assert sum(probability >= 0.8 for probability in probabilities) <= 3
    assert np.median(probabilities) < 0.4


def test_a_tile_that_stands_out_is_probable_and_located() -> None:
    scores = chance(1)
    scores[100] = 0.8
    estimate = estimate_of(match_of(scores, headings=np.full(len(scores), 4)))
    assert estimate.probability > 0.95
    assert estimate.n_modes == 1
    x_m, y_m = _centre(100)
    lon, lat = FRAME.to_lonlat([[x_m, y_m]])[0]
    assert distance_m(estimate.position, LonLat(lon, lat)) < 1
    assert estimate.heading is not None
    assert estimate.heading.deg == pytest.approx(120, abs=1)
    assert estimate.radius_m == pytest.approx(SIDE_M / 2**0.5)
    assert estimate.ce90_m < estimate.acc95_m


def test_without_headings_no_answer_is_surer_than_the_best_known_network() -> None:
    scores = chance(1)
    scores[100] = 0.8
    ring = match_of(scores, headings=np.zeros(len(scores), int))
    whole = replace(ring, headings_deg=None, scores=ring.scores[:, :1])
    sure, bounded = estimate_of(ring), estimate_of(whole)
    assert sure.probability > 0.95
    assert bounded.probability == pytest.approx(MOST, abs=0.01)
    assert bounded.evidence == pytest.approx(sure.evidence)
    assert sum(place.probability for place in bounded.candidates) <= 1


def test_a_twin_elsewhere_takes_the_certainty_away() -> None:
    scores = chance(1)
    scores[[100, 20]] = 0.8, 0.795
    estimate = estimate_of(match_of(scores))
    assert estimate.probability < 0.55
    assert estimate.n_modes == 2
    assert estimate.margin == pytest.approx(1, abs=0.05)
    assert estimate.spread_m > 50


def test_a_neighbour_that_overlaps_is_no_rival_and_draws_the_position() -> None:
    scores = chance(1)
    scores[[100, 101]] = 0.8, 0.8
    estimate = estimate_of(match_of(scores))
    assert estimate.probability > 0.95
    x_m, y_m = FRAME.from_lonlat(*estimate.position)[0]
    west, north = _centre(100)
    assert x_m == pytest.approx(west + STRIDE_M / 2, abs=2)
    assert y_m == pytest.approx(north, abs=2)


def test_a_tile_whose_neighbours_agree_wins_against_a_lone_one() -> None:
    scores = chance(1)
    around = [100, 100 - 1, 100 + 1, 100 - COLUMNS, 100 + COLUMNS]
    scores[around] = 0.5
    scores[20] = 0.51
    half = TileMap(*_finer())
    estimate = estimate_place(match_of(scores), half)
    assert estimate is not None
    agreed = LonLat(float(half.lon[100]), float(half.lat[100]))
    assert distance_m(estimate.position, agreed) < 5


def _finer() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same tiles at half the distance: three quarters overlap."""
    lonlat = FRAME.to_lonlat(np.array([_centre(row) for row in range(COLUMNS**2)]) / 2)
    return lonlat[:, 0], lonlat[:, 1], np.full(len(lonlat), SIDE_M)


def test_the_less_of_the_horizon_a_photo_shows_the_less_probable_it_is() -> None:
    scores = chance(1)
    scores[100] = 0.3
    whole = match_of(scores)
    shares = [
        estimate_of(replace(whole, horizon_share=share)).probability
        for share in (1.0, 0.5, 0.25, 0.0)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[2] < shares[0] - 0.1


def test_only_the_likeliest_of_very_many_tiles_are_weighed() -> None:
    side = 60
    lonlat = FRAME.to_lonlat(
        np.array([(i % side * 60.0, i // side * 60.0) for i in range(side**2)])
    )
    many = TileMap(lonlat[:, 0], lonlat[:, 1], np.full(len(lonlat), SIDE_M))
    scores = np.random.default_rng(4).normal(0.1, 0.05, side**2)
    scores[-1] = 0.9
    estimate = estimate_place(match_of(scores), many)
    assert estimate is not None
    assert distance_m(estimate.position, LonLat(float(many.lon[-1]), float(many.lat[-1]))) < 5
    assert estimate.probability > 0.95


def test_the_probability_does_not_change_with_the_scale_of_the_scores() -> None:
    scores = chance(2)
    scores[30] = 0.45
    one, other = estimate_of(match_of(scores)), estimate_of(match_of(scores / 2 + 0.3))
    assert other.probability == pytest.approx(one.probability, rel=1e-3)
    assert other.score == pytest.approx(one.score, rel=1e-3)


@settings(max_examples=25)
@given(st.floats(0.3, 0.9), st.floats(0.01, 0.1))
def test_a_larger_lead_is_never_less_probable(best: float, more: float) -> None:
    scores = chance(3)
    scores[77] = best
    before = estimate_of(match_of(scores)).probability
    scores[77] = best + more
    assert estimate_of(match_of(scores)).probability >= before - 1e-9


def test_headings_that_all_fit_alike_are_none() -> None:
    scores = chance(1)
    scores[100] = 0.8
    match = match_of(scores)
    flat = StreetMatch(
        HEADINGS, match.rows, match.scores.max(axis=1, keepdims=True).repeat(12, 1), match.rows,
        match.other_scores,
    )  # fmt: skip
    assert estimate_of(flat).heading is None


def test_the_fewer_tiles_the_less_a_score_says() -> None:
    scores = chance(1)
    scores[0] = 0.4
    few = scores[[0, *range(8, 256, 32)]]
    some = TileMap(tiles().lon[:72:8], tiles().lat[:72:8], np.full(9, SIDE_M))
    estimate = estimate_place(match_of(few), some)
    assert estimate is not None
    assert estimate.score < estimate_of(match_of(scores)).score


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_tiles_are_no_estimate(count: int) -> None:
    rows = slice(0, count)
    few = TileMap(tiles().lon[rows], tiles().lat[rows], np.full(count, SIDE_M))
    assert estimate_place(match_of(np.linspace(0.5, 0.1, count)), few) is None


def test_equal_scores_everywhere_are_no_place() -> None:
    estimate = estimate_of(match_of(np.full(COLUMNS**2, 0.4)))
    assert estimate.probability < 0.1


def test_an_experiment_sets_its_own_parameters() -> None:
    scores = chance(1)
    scores[100] = 0.8
    usual = estimate_of(match_of(scores))
    sharper = StreetPosteriorParameters(tile_sd=0.0, vague_heading_deg=0.0)
    estimate = estimate_place(match_of(scores), tiles(), parameters=sharper)
    assert estimate is not None
    assert estimate.ce90_m < usual.ce90_m
    assert (estimate.heading, estimate.probability) == (None, usual.probability)


@pytest.mark.parametrize("count", [100, 2000])
def test_the_tail_s_scale_is_found_whatever_the_number_of_places(count: int) -> None:
    rng = np.random.default_rng(count)
    found = np.mean([tail_scale(-np.sort(-rng.exponential(0.5, count))) for _ in range(1000)])
    # Nine places weigh 9 - (1 + 1/2 + ... + 1/9) = 6.17, and three speak for the usual 0.3.
    assert found == pytest.approx((6.17 * 0.5 + 3 * 0.3) / 9.17, rel=0.03)


def test_the_mean_of_centres_holds_across_the_antimeridian() -> None:
    across = TileMap(np.array([179.9999, -179.9999]), np.array([10.0, 10.0]), np.full(2, 60.0))
    position = across.mean_position(np.array([0, 1]), np.ones(2))
    assert abs(position.lon) == pytest.approx(180)
    assert across.is_near(0, np.array([1])).all()


def cells(columns: int = 40, *, side_m: float = 76.8) -> TileMap:
    """Cells of 30 m side by side, around each of which a network sees 76.8 m at its finest."""
    xy_m = [(row % columns * 30.0, row // columns * 30.0) for row in range(columns**2)]
    lonlat = FRAME.to_lonlat(np.array(xy_m))
    return TileMap(lonlat[:, 0], lonlat[:, 1], np.full(len(lonlat), side_m))


def cell_match(scores: np.ndarray, **more: int) -> StreetMatch:
    """A match of one picture without a heading."""
    rows = np.arange(len(scores))
    column = scores[:, None].astype(np.float32)
    return StreetMatch(None, rows, column, rows, scores.astype(np.float32), **more)


def hill(at: tuple[float, float], *, height: float, width_m: float = 35.0) -> np.ndarray:
    """What the cells around a place add to their scores, since they show nearly the same."""
    away = [math.dist(at, (row % 40 * 30.0, row // 40 * 30.0)) for row in range(1600)]
    return height * np.exp(-0.5 * (np.array(away) / width_m) ** 2)


def noise(seed: int, sd: float = 0.05) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.1, sd, 1600)


def test_cells_that_show_nearly_the_same_are_one_place_finer_than_a_cell() -> None:
    at = (617.0, 590.0)
    estimate = estimate_place(cell_match(noise(1, 0.02) + hill(at, height=0.6)), cells())
    assert estimate is not None
    assert estimate.probability == pytest.approx(MOST, abs=0.01)
    assert estimate.n_modes == 1
    x_m, y_m = FRAME.from_lonlat(*estimate.position)[0]
    assert math.dist((x_m, y_m), at) < 12
    assert estimate.heading is None
    assert estimate.radius_m == pytest.approx(76.8 / 2**0.5)


def test_radii_reach_to_the_places_that_compete() -> None:
    one = hill((300.0, 300.0), height=0.6)
    sure, torn = (
        estimate_place(cell_match(noise(1, 0.02) + scores), cells())
        for scores in (one, np.maximum(one, hill((900.0, 300.0), height=0.6)))
    )
    assert sure is not None
    assert torn is not None
    assert sure.acc95_m < 80
    assert 550 < torn.acc95_m < 800
    (first, second, *_) = torn.candidates
    assert first.probability + second.probability <= 1
    away_m = distance_m(first.position, second.position)
    assert away_m == pytest.approx(600, abs=25)


def test_the_places_behind_the_best_one_stand_among_the_candidates() -> None:
    estimate = estimate_place(cell_match(noise(3)), cells())
    assert estimate is not None
    probabilities = [one.probability for one in estimate.candidates]
    assert len(probabilities) >= 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert estimate.probability == probabilities[0]
    assert sum(probabilities) < 1
    apart_m = [
        distance_m(a.position, b.position)
        for a, b in itertools.combinations(estimate.candidates, 2)
    ]
    assert min(apart_m) > 30


def test_the_best_of_a_million_cells_is_less_probable_than_that_of_a_thousand() -> None:
    scores = noise(4) + hill((600.0, 600.0), height=0.2)
    few, many = (
        estimate_place(cell_match(scores, searched=searched), cells())
        for searched in (1600, 1_000_000)
    )
    assert few is not None
    assert many is not None
    assert many.probability < few.probability - 0.02
    assert many.position == few.position


def test_where_one_place_is_left_it_is_compared_with_all_the_map() -> None:
    scores = noise(5) + hill((600.0, 600.0), height=0.5)
    whole = cell_match(scores)
    near = np.flatnonzero(hill((600.0, 600.0), height=1.0) > 0.7)
    nowhere = np.flatnonzero(hill((150.0, 150.0), height=1.0) > 0.7)
    found, missed = (
        estimate_place(replace(whole, rows=rows, scores=whole.scores[rows]), cells())
        for rows in (near, nowhere)
    )
    assert found is not None
    assert missed is not None
    assert len(found.candidates) == len(missed.candidates) == 1
    assert found.probability == pytest.approx(MOST, abs=0.01)
    assert missed.probability < 0.3


def test_an_antimeridian_between_cells_splits_no_place() -> None:
    frame = LocalFrame(LonLat(179.99999, -17.0))
    lonlat = frame.to_lonlat(
        np.array([(row % 40 * 30.0 - 600, row // 40 * 30.0) for row in range(1600)])
    )
    across = TileMap(lonlat[:, 0], lonlat[:, 1], np.full(1600, 76.8))
    scores = noise(6, 0.02) + hill((600.0, 600.0), height=0.6)
    estimate = estimate_place(cell_match(scores), across)
    assert estimate is not None
    x_m, y_m = frame.from_lonlat(*estimate.position)[0]
    assert math.dist((x_m, y_m), (0.0, 600.0)) < 12
    assert estimate.acc95_m < 80
