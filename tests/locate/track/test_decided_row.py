"""The row of a photo as its track decides: its answer, its places, and what it was alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from geoloc.geometry.crs import LonLat
from geoloc.locate.heatmap.job import posterior_of
from geoloc.locate.track.decided_row import alone_row, decided_row
from geoloc.locate.track.placing import Placed
from geoloc.locate.track.second_search import Candidate
from geoloc.results.schema import PhotoResult

PLACES = [[9.0, 1.0, 0.6, 20.0], [9.01, 1.0, 0.3, 30.0], [9.02, 1.0, 0.05, 40.0]]
ALONE = PhotoResult(
    "/p/a.jpg",
    "located",
    longitude=9.0,
    latitude=1.0,
    confidence=0.6,
    ce90_m=20.0,
    candidates=json.dumps(PLACES),
)


class Rows:
    """A stand-in for what makes the row of another answer: the same row, at that place."""

    def row_of(self, candidate: Candidate, probability: float) -> PhotoResult:
        return replace(
            candidate.row,
            longitude=candidate.longitude,
            latitude=candidate.latitude,
            confidence=probability,
        )


def decided(placed: Placed) -> PhotoResult:
    rows: Any = Rows()
    return decided_row(placed, rows)


def places_of(row: PhotoResult) -> list[tuple[float, float]]:
    return [(lon, probability) for lon, _, probability, _ in json.loads(row.candidates or "[]")]


def test_a_row_that_the_track_leaves_is_as_it_was_alone() -> None:
    assert decided(Placed(ALONE)) == replace(ALONE, from_track=0) == alone_row(ALONE)
    before = replace(ALONE, from_track=1, single_status="rejected")
    assert decided(Placed(before)) == before, "an earlier run has decided"


def test_a_place_in_doubt_is_as_likely_among_its_rivals_as_the_row_says() -> None:
    row = decided(Placed(ALONE, probability=0.2, is_doubted=True))
    assert (row.status, row.confidence, row.from_track) == ("ambiguous", 0.2, 1)
    assert (row.single_status, row.single_longitude) == ("located", 9.0)
    assert places_of(row)[0] == (9.0, 0.2)
    assert all(probability <= 0.2 for _, probability in places_of(row))
    assert sum(probability for _, probability in places_of(row)) <= 1


def test_a_place_that_lost_alone_and_wins_by_the_track_is_the_first_of_them() -> None:
    other = Candidate(9.01, 1.0, 0.0, ALONE, ce90_m=30.0)
    row = decided(Placed(ALONE, other, 0.9))
    assert (row.longitude, row.confidence, row.single_longitude) == (9.01, 0.9, 9.0)
    assert places_of(row) == [(9.01, 0.9), (9.0, pytest.approx(0.6 / 7, abs=1e-4)),
                              (9.02, pytest.approx(0.05 / 7, abs=1e-4))]  # fmt: skip
    heat = posterior_of(row)
    assert heat is not None
    assert heat.places[0].position == LonLat(9.01, 1.0)
    assert heat.none == pytest.approx(0.05 / 7, abs=2e-4), "what was none of them alone, less"
