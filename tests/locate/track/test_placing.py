"""A track decides for the photos that are not sure alone, and for no photo of other ground."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import Estimate, Heading
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.neighbours import Neighbour
from geoloc.locate.track.placing import Placed, TrackPlacing
from geoloc.locate.track.second_search import Candidate, log_odds
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import PhotoResult, Status

DEG_A_M = 1 / 111_320  # along the equator
STEP_M = 50.0


def row(at_m: float | None, confidence: float = 0.99, *, name: str = "p") -> PhotoResult:
    status: Status = "located" if confidence >= 0.8 else "ambiguous"
    if at_m is None:
        return PhotoResult(name, "rejected", view="drone", confidence=0.01)
    return PhotoResult(
        name,
        status,
        view="drone",
        longitude=at_m * DEG_A_M,
        latitude=0.0,
        confidence=confidence,
        heading=90.0,
    )


def flight(count: int) -> list[PhotoResult]:
    return [row(STEP_M * n, name=f"p{n}") for n in range(count)]


class Map:
    """A stand-in for the search: what it finds near the neighbours, and what it was asked."""

    def __init__(self, finds: dict[str, tuple[float, float]] | None = None) -> None:
        self.finds = finds or {}
        self.asked: list[str] = []

    def __call__(
        self, row: PhotoResult, neighbours: Sequence[Neighbour], motion: Motion
    ) -> list[Candidate]:
        self.asked.append(row.photo)
        if row.photo not in self.finds:
            return []
        at_m, probability = self.finds[row.photo]
        found = Estimate(
            position=LonLat(at_m * DEG_A_M, 0.0),
            heading=Heading(90.0, 1.0),
            probability=probability,
            radius_m=50.0,
            ce90_m=20.0,
            acc95_m=25.0,
            score=1.0,
            margin=1.0,
            n_modes=1,
            spread_m=1.0,
        )
        lon, lat = found.position
        return [Candidate(lon, lat, log_odds(probability), row, found, PhotoMetadata())]


def place(rows: Sequence[PhotoResult], search: Map) -> list[Placed]:
    clock = [10.0 * n for n in range(len(rows))]
    track = TrackPlacing(rows, clock, in_seconds=True, area_m2=2e6, min_confidence=0.8)
    return track.place(search)


def test_a_flight_that_is_sure_stays_as_it_is_and_costs_no_search() -> None:
    search = Map()
    assert [one.candidate for one in place(flight(6), search)] == [None] * 6
    assert search.asked == []


def test_half_of_a_flight_that_is_in_doubt_is_found_near_the_other_half() -> None:
    rows = flight(12)
    finds = {}
    for n in range(1, 12, 2):
        rows[n] = row(900.0 if n % 4 == 1 else None, 0.3, name=f"p{n}")
        finds[f"p{n}"] = (STEP_M * n, 0.3)
    placed = place(rows, Map(finds))
    for n in range(1, 12, 2):
        found = placed[n].candidate
        assert found is not None
        assert found.longitude == pytest.approx(STEP_M * n * DEG_A_M)
        assert placed[n].probability > 0.8
    assert all(placed[n].candidate is None for n in range(0, 12, 2))


def test_a_place_that_stood_in_doubt_is_decided_for_by_its_neighbours() -> None:
    rows = flight(5)
    rows[2] = row(2 * STEP_M, 0.5, name="p2")
    (_, _, placed, _, _) = place(rows, Map())
    assert placed.candidate is not None
    assert placed.candidate.estimate is None, "the photo's own answer"
    assert placed.probability > 0.9


def test_a_photo_without_evidence_of_its_own_is_never_placed() -> None:
    rows = flight(9)
    rows[4] = row(None, name="p4")
    search = Map({"p4": (4 * STEP_M, 0.05)})
    assert place(rows, search)[4].candidate is None
    assert "p4" in search.asked


def test_a_place_that_the_vehicle_cannot_have_reached_is_doubted() -> None:
    rows = flight(9)
    rows[4] = row(1400.0, 0.95, name="p4")
    placed = place(rows, Map())
    assert placed[4].is_doubted
    assert placed[4].probability < 0.1
    assert not any(one.is_doubted for n, one in enumerate(placed) if n != 4)


def test_and_found_where_it_was_if_the_map_shows_it_there() -> None:
    rows = flight(9)
    rows[4] = row(1400.0, 0.95, name="p4")
    found = place(rows, Map({"p4": (4 * STEP_M, 0.4)}))[4].candidate
    assert found is not None
    assert found.longitude == pytest.approx(4 * STEP_M * DEG_A_M)


def test_two_flights_in_one_folder_do_not_put_each_other_in_doubt() -> None:
    rows = [row(STEP_M * n + (1500.0 if n % 3 == 2 else 0.0), name=f"p{n}") for n in range(12)]
    placed = place(rows, Map())
    assert not any(one.is_doubted or one.candidate for one in placed)


def test_nothing_is_decided_where_nothing_is_known_of_the_motion() -> None:
    rows = [row(0.0), row(None), row(40.0)]
    track = TrackPlacing(rows, [1, 2, 3], in_seconds=False, area_m2=2e6, min_confidence=0.8)
    assert [one.candidate for one in track.place(Map())] == [None] * 3


def test_photos_of_other_kinds_are_not_searched_for() -> None:
    rows = flight(5)
    rows[2] = PhotoResult("selfie", "rejected", view="street")
    search = Map({"selfie": (2 * STEP_M, 0.9)})
    assert place(rows, search)[2].candidate is None
    assert search.asked == []
