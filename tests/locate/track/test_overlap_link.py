"""Links by overlap: symmetric in time, no free evidence, and a false one breaks no track."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import Estimate, Heading
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.overlap_link import OverlapLink
from geoloc.locate.track.placing import Placed, TrackPlacing
from geoloc.locate.track.second_search import Candidate
from geoloc.results.schema import PhotoResult, Status

DEG_A_M = 1 / 111_320  # along the equator
STEP_M = 100.0
MOTION = Motion(speed=15.0, area_m2=2e6)
SPREAD_M = 10.0


def candidate(photo: str, east_m: float, north_m: float = 0.0) -> Candidate:
    row = PhotoResult(photo, "ambiguous", longitude=east_m * DEG_A_M, latitude=north_m * DEG_A_M)
    return Candidate(east_m * DEG_A_M, north_m * DEG_A_M, 0.0, row)


class Ways:
    """A stand-in for overlap: the way east from one photo to the next, metres."""

    def __init__(self, east_m: dict[tuple[str, str], float]) -> None:
        self.east_m = east_m | {(b, a): -way for (a, b), way in east_m.items()}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, row: PhotoResult, neighbour: PhotoResult) -> Candidate | None:
        self.asked.append((neighbour.photo, row.photo))
        way_m = self.east_m.get((neighbour.photo, row.photo))
        if way_m is None or neighbour.longitude is None or neighbour.latitude is None:
            return None
        place = LonLat(neighbour.longitude + way_m * DEG_A_M, neighbour.latitude)
        found = Estimate(
            position=place,
            heading=Heading(90.0, 1.0),
            probability=0.0,
            radius_m=50.0,
            ce90_m=SPREAD_M,
            acc95_m=SPREAD_M,
            score=0.0,
            margin=0.0,
            n_modes=1,
            spread_m=0.0,
        )
        return Candidate(*place, 0.0, row, found)


def by_motion(some: list[Candidate], others: list[Candidate]) -> Float64Array:
    ways_m = np.array(
        [
            [np.hypot(a.longitude - b.longitude, a.latitude - b.latitude) / DEG_A_M for b in others]
            for a in some
        ]
    )
    return MOTION.log_link(ways_m, 10.0)


places = st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=1, max_size=4)


@given(places, places, st.floats(-300, 300))
def test_time_may_run_backwards(
    first: list[tuple[float, float]], then: list[tuple[float, float]], way_m: float
) -> None:
    some = [candidate("a", *place) for place in first]
    others = [candidate("b", *place) for place in then]
    link = OverlapLink(Ways({("a", "b"): way_m}), MOTION)
    ahead = link.log_link(some, others, by_motion(some, others))
    back = link.log_link(others, some, by_motion(others, some))
    np.testing.assert_allclose(ahead, back.T, atol=1e-9)


@given(places, places, st.floats(-300, 300))
def test_a_link_is_never_below_its_share_of_that_by_motion(
    first: list[tuple[float, float]], then: list[tuple[float, float]], way_m: float
) -> None:
    some = [candidate("a", *place) for place in first]
    others = [candidate("b", *place) for place in then]
    moved = by_motion(some, others)
    found = OverlapLink(Ways({("a", "b"): way_m}), MOTION).log_link(some, others, moved)
    assert (found >= moved + np.log(0.02) - 1e-9).all()
    assert (found <= np.log(MOTION.parameters.largest_ratio)).all()


def test_a_link_holds_no_more_evidence_than_there_is_ground() -> None:
    known = [candidate("a", 0.0)]
    side_m = np.sqrt(MOTION.area_m2)
    steps_m = np.arange(-side_m / 2, side_m / 2, 20.0) + 10.0
    everywhere = [candidate("b", x, y) for x in steps_m for y in steps_m]
    moved = by_motion(known, everywhere)
    link = OverlapLink(Ways({("a", "b"): 100.0}), MOTION).log_link(known, everywhere, moved)
    assert 0.05 < np.exp(link).mean() <= 1.0, "the mean ratio over the map"


def test_the_way_decides_between_places_that_the_vehicle_can_all_have_reached() -> None:
    known, others = [candidate("a", 0.0)], [candidate("b", 100.0), candidate("b", -100.0)]
    moved = by_motion(known, others)
    assert moved[0, 0] == pytest.approx(moved[0, 1])
    link = OverlapLink(Ways({("a", "b"): 100.0}), MOTION).log_link(known, others, moved)
    assert link[0, 0] - link[0, 1] > np.log(50)


def test_photos_that_do_not_overlap_are_linked_by_motion_alone() -> None:
    some, others = [candidate("a", 0.0)], [candidate("b", 100.0)]
    moved = by_motion(some, others)
    assert OverlapLink(Ways({}), MOTION).log_link(some, others, moved) == pytest.approx(moved)


def test_a_place_whose_camera_is_unknown_tells_no_way() -> None:
    some = [replace(candidate("a", 0.0), ce90_m=20.0)]
    others = [replace(candidate("b", 100.0), ce90_m=20.0)]
    moved, ways = by_motion(some, others), Ways({("a", "b"): 100.0})
    assert OverlapLink(ways, MOTION).log_link(some, others, moved) == pytest.approx(moved)
    assert ways.asked == []


def flight(*doubts: tuple[int, float, float]) -> list[PhotoResult]:
    """Seven photos on a line, of which some hold another place with a confidence of their own."""
    rows = []
    for n in range(7):
        rows.append(_row(n, n * STEP_M, 0.99))
    for n, at_m, confidence in doubts:
        rows[n] = _row(n, at_m, confidence)
    return rows


def _row(number: int, at_m: float, confidence: float) -> PhotoResult:
    status: Status = "located" if confidence >= 0.8 else "ambiguous"
    return PhotoResult(
        f"p{number}",
        status,
        view="drone",
        longitude=at_m * DEG_A_M,
        latitude=0.0,
        confidence=confidence,
    )


def place(rows: list[PhotoResult], ways: Ways) -> list[Placed]:
    clock = [10.0 * n for n in range(len(rows))]
    track = TrackPlacing(rows, clock, in_seconds=True, area_m2=2e6, min_confidence=0.8)
    return track.place(lambda *_: [], ways)


def true_ways(count: int) -> dict[tuple[str, str], float]:
    return {(f"p{n}", f"p{n + 1}"): STEP_M for n in range(count - 1)}


def test_a_wrong_place_within_reach_is_not_decided_for_where_photos_overlap() -> None:
    rows = flight((3, 3 * STEP_M + 120.0, 0.5))
    (alone,) = place(rows, Ways({}))[3:4]
    assert alone.candidate is not None, "the motion alone takes it for right"
    (found,) = place(rows, Ways(true_ways(7)))[3:4]
    assert found.candidate is not None
    assert found.candidate.longitude == pytest.approx(3 * STEP_M * DEG_A_M, abs=1 * DEG_A_M)
    assert found.candidate.estimate is not None, "it is where its neighbours' cameras carry it"


def test_one_false_overlap_breaks_no_track() -> None:
    rows = flight((3, 3 * STEP_M, 0.5))
    false = true_ways(7) | {("p2", "p3"): -250.0}
    placed = place(rows, Ways(false))
    assert not any(one.is_doubted for one in placed)
    found = placed[3].candidate
    assert found is not None
    assert found.longitude == pytest.approx(3 * STEP_M * DEG_A_M, abs=1 * DEG_A_M)


def test_photos_that_are_sure_but_wrong_are_found_out_by_what_they_share() -> None:
    rows = flight((2, 2 * STEP_M + 90.0, 0.95), (3, 3 * STEP_M - 130.0, 0.99))
    assert not any(one.is_doubted for one in place(rows, Ways({}))), "all is within reach"
    placed = place(rows, Ways(true_ways(7)))
    for n in (2, 3):
        found = placed[n].candidate
        assert found is not None
        assert found.longitude == pytest.approx(n * STEP_M * DEG_A_M, abs=1 * DEG_A_M)
    assert [placed[n].candidate for n in (0, 1, 4, 5, 6)] == [None] * 5


def test_a_photo_that_is_certain_stays_between_two_false_overlaps() -> None:
    false = true_ways(7) | {("p2", "p3"): -250.0, ("p3", "p4"): -400.0}
    placed = place(flight((3, 3 * STEP_M, 1.0)), Ways(false))
    assert not any(one.is_doubted or one.candidate for one in placed)


def test_a_photo_that_overlaps_with_none_is_not_placed_by_its_neighbours() -> None:
    rows = flight()
    rows[3] = PhotoResult("p3", "rejected", view="drone", confidence=0.01)
    ways = {pair: way for pair, way in true_ways(7).items() if "p3" not in pair}
    placed = place(rows, Ways(ways | {("p2", "p4"): 2 * STEP_M}))
    assert placed[3].candidate is None


def test_of_two_photos_that_carry_a_place_the_surer_one_is_believed() -> None:
    rows = flight((1, STEP_M, 0.85))
    rows[2] = PhotoResult("p2", "rejected", view="drone", confidence=0.01)
    placed = place(rows, Ways({("p1", "p2"): 160.0, ("p2", "p3"): STEP_M}))
    found = placed[2].candidate
    assert found is not None
    assert found.longitude == pytest.approx(2 * STEP_M * DEG_A_M, abs=1 * DEG_A_M)
