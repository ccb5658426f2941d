"""A track decides for the photos that are not sure alone, and for no photo of other ground."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import Estimate, Heading
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.neighbours import Neighbour
from geoloc.locate.track.placing import Placed, TrackPlacing
from geoloc.locate.track.second_search import Candidate, Carry, log_odds
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


def never(row: PhotoResult, neighbour: PhotoResult) -> None:
    """No two photos overlap."""


def place(rows: Sequence[PhotoResult], search: Map, carry: Carry = never) -> list[Placed]:
    clock = [10.0 * n for n in range(len(rows))]
    track = TrackPlacing(rows, clock, in_seconds=True, area_m2=2e6, min_confidence=0.8)
    return track.place(search, carry)


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


@pytest.mark.parametrize("in_seconds", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_photos_that_have_nothing_to_do_with_each_other_are_left_alone(
    seed: int, in_seconds: bool
) -> None:
    places = np.random.default_rng(seed).uniform(0, 1500, 30)
    rows = [row(at_m, 0.5 if n % 5 == 4 else 0.99, name=f"p{n}") for n, at_m in enumerate(places)]
    search = Map({f"p{n}": (float(places[n - 1]), 0.9) for n in range(4, 30, 5)})
    clock = [10.0 * n if in_seconds else n for n in range(30)]
    track = TrackPlacing(rows, clock, in_seconds=in_seconds, area_m2=2e6, min_confidence=0.8)
    assert not any(one.is_doubted or one.candidate for one in track.place(search, never))
    assert search.asked == []


def test_a_flight_whose_photos_are_shuffled_is_no_track_and_costs_no_search() -> None:
    rows = [
        replace(one, photo=f"p{n}")
        for n, one in enumerate(np.random.default_rng(1).permutation(np.array(flight(20), object)))
    ]
    rows[7] = row(None, name="p7")
    search = Map({"p7": (500.0, 0.9)})
    assert not any(one.is_doubted or one.candidate for one in place(rows, search))
    assert search.asked == []


@pytest.mark.parametrize("count", [5, 40, 150, 400])
@pytest.mark.parametrize(
    ("step_m", "line_m"), [(15.0, np.inf), (60.0, np.inf), (20.0, 300.0), (40.0, 600.0)]
)
def test_a_flight_is_one_however_long_it_is_and_whoever_is_among_it(
    count: int, step_m: float, line_m: float
) -> None:
    """Straight on, or there and back along lines."""
    flown_m = step_m * np.arange(count)
    if np.isfinite(line_m):
        flown_m = np.abs((flown_m + line_m) % (2 * line_m) - line_m)
    rows = [row(float(at_m), name=f"p{n}") for n, at_m in enumerate(flown_m)]
    for n in range(3, count, 7):
        rows[n] = row(None, name=f"foreign{n}")
    clock = [2.0 * n for n in range(count)]
    area_m2 = max(2e6, float(flown_m.max()) ** 2)
    track = TrackPlacing(rows, clock, in_seconds=True, area_m2=area_m2, min_confidence=0.8)
    assert track.is_track


def test_a_sure_place_that_its_track_leaves_less_than_enough_is_doubted() -> None:
    rows = flight(9)
    rows[4] = row(4 * STEP_M + 100.0, 0.95, name="p4")
    search = Map()
    assert not place(rows, search)[4].is_doubted, (
        "it is within reach, and nothing speaks against it"
    )
    placed = place(rows, search, Meadow({f"p{n}": STEP_M * n for n in range(9)}))[4]
    assert placed.is_doubted or placed.candidate is not None
    if placed.candidate is not None:
        assert placed.candidate.longitude == pytest.approx(4 * STEP_M * DEG_A_M)


def test_overlaps_of_a_flight_that_is_sure_are_not_asked_for_but_at_its_ends() -> None:
    asked: set[str] = set()

    def carry(row: PhotoResult, neighbour: PhotoResult) -> None:
        asked.update((row.photo, neighbour.photo))

    rows = [replace(one, confidence=0.9999) for one in flight(30)]
    placed = place(rows, Map(), carry)
    assert [one.candidate for one in placed] == [None] * 30
    assert asked == {"p0", "p1", "p2", "p27", "p28", "p29"} & asked, "no photo in the middle"


def test_nothing_is_decided_where_nothing_is_known_of_the_motion() -> None:
    rows = [row(0.0), row(None), row(40.0)]
    track = TrackPlacing(rows, [1, 2, 3], in_seconds=False, area_m2=2e6, min_confidence=0.8)
    assert [one.candidate for one in track.place(Map(), never)] == [None] * 3


def test_photos_of_other_kinds_are_not_searched_for() -> None:
    rows = flight(5)
    rows[2] = PhotoResult("selfie", "rejected", view="street")
    search = Map({"selfie": (2 * STEP_M, 0.9)})
    assert place(rows, search)[2].candidate is None
    assert search.asked == []


def weak_walk(count: int, *, share: float, of_here: bool = True) -> list[PhotoResult]:
    """A walk of 20 m a photo whose places hold a share each, beside five wrong ones.

    Without a share of 0.1 a photo alone is rejected, and has no position.
    """
    random = np.random.default_rng(3)
    rows = []
    for n in range(count):
        true = (20.0 * n, 0.0) if of_here else random.uniform(-500, 500, 2)
        wrong = [(x, y, 0.06) for x, y in random.uniform(-500, 500, (5, 2))]
        places = sorted([(*true, share), *wrong], key=lambda place: -place[2])
        listed = [[x * DEG_A_M, y * DEG_A_M, p, 30.0] for x, y, p in places]
        x, y, best = places[0]
        rows.append(
            PhotoResult(
                f"p{n}",
                "ambiguous" if best >= 0.1 else "rejected",
                view="street",
                longitude=x * DEG_A_M if best >= 0.1 else None,
                latitude=y * DEG_A_M if best >= 0.1 else None,
                confidence=best,
                candidates=json.dumps(listed),
            )
        )
    return rows


def place_walk(rows: Sequence[PhotoResult], *, in_seconds: bool = True) -> list[Placed]:
    clock = [13.0 * n if in_seconds else n for n in range(len(rows))]
    track = TrackPlacing(rows, clock, in_seconds=in_seconds, area_m2=1e6, min_confidence=0.8)
    return track.place(Map(), never)


@pytest.mark.parametrize("in_seconds", [True, False])
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_a_walk_of_weak_answers_becomes_a_strong_one(share: float, in_seconds: bool) -> None:
    placed = place_walk(weak_walk(30, share=share), in_seconds=in_seconds)
    found = [one.candidate for one in placed]
    right = [
        one is not None and abs(one.longitude - 20.0 * n * DEG_A_M) < 1e-9
        for n, one in enumerate(found)
    ]
    assert sum(right) >= 28
    assert sum(one is not None for one in found) == sum(right), "none is placed elsewhere"


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_a_walk_elsewhere_does_not_become_an_answer(share: float) -> None:
    placed = place_walk(weak_walk(30, share=share, of_here=False))
    assert sum(one.candidate is not None for one in placed) == 0


@pytest.mark.parametrize("seed", range(4))
def test_street_photos_that_show_the_same_few_cells_in_any_order_are_no_walk(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = random.uniform(-300, 300, (6, 2))
    rows = []
    for n in range(40):
        chosen = cells[random.choice(6, 3, replace=False)]
        listed = [[x * DEG_A_M, y * DEG_A_M, 0.2, 30.0] for x, y in chosen]
        rows.append(
            PhotoResult(
                f"p{n}", "rejected", view="street", confidence=0.2, candidates=json.dumps(listed)
            )
        )
    clock = list(range(40))
    track = TrackPlacing(rows, clock, in_seconds=False, area_m2=1e6, min_confidence=0.8)
    assert not track.is_track
    assert all(one.candidate is None for one in track.place(Map(), never))


def test_street_photos_that_all_show_one_cell_agree_on_nothing() -> None:
    rows = weak_walk(30, share=0.3)
    cell = json.dumps([[0.0, 0.0, 0.3, 30.0], [400 * DEG_A_M, 0.0, 0.06, 30.0]])
    stuck = [replace(one, candidates=cell, longitude=0.0, latitude=0.0) for one in rows]
    assert sum(one.candidate is not None for one in place_walk(stuck)) == 0


def test_a_place_that_lost_alone_wins_with_its_camera_unknown() -> None:
    rows = weak_walk(30, share=0.05)
    (candidate,) = [one.candidate for one in place_walk(rows)][7:8]
    assert candidate is not None
    assert candidate.is_other
    assert candidate.ce90_m == 30.0


def test_a_found_camera_stays_beside_the_stronger_place_that_lost() -> None:
    rows = flight(5)
    listed = [[900.0 * DEG_A_M, 0.0, 0.5, 20.0], [2 * STEP_M * DEG_A_M, 0.0, 0.4, 20.0]]
    rows[2] = replace(row(900.0, 0.5, name="p2"), candidates=json.dumps(listed))
    found = place(rows, Map({"p2": (2 * STEP_M, 0.3)}))[2].candidate
    assert found is not None
    assert found.estimate is not None, "its camera is known"
    assert found.log_odds == pytest.approx(np.log(0.4 / 0.1)), "and its evidence is the better one"


class Meadow:
    """A stand-in for overlap: photos of a meadow, which the map does not show, and their places."""

    def __init__(self, finds: dict[str, float]) -> None:
        self.finds = finds

    def __call__(self, row: PhotoResult, neighbour: PhotoResult) -> Candidate | None:
        (found,) = Map({row.photo: (self.finds.get(row.photo, 0.0), 0.0)})(row, (), Motion(1, 1))
        assert neighbour.longitude is not None
        is_near = abs(found.longitude - neighbour.longitude) < 1.5 * STEP_M * DEG_A_M
        return replace(found, log_odds=0.0) if row.photo in self.finds and is_near else None


def test_photos_that_overlap_are_placed_one_after_the_other_and_less_sure_each() -> None:
    rows = flight(12)
    for n in range(3, 9):
        rows[n] = row(None, name=f"p{n}")
    placed = place(rows, Map(), Meadow({f"p{n}": STEP_M * n for n in range(3, 9)}))
    for n in range(3, 9):
        found = placed[n].candidate
        assert found is not None
        assert found.longitude == pytest.approx(STEP_M * n * DEG_A_M)
    sure = [placed[n].probability for n in range(3, 9)]
    assert sure == pytest.approx([0.99 * 0.98**n for n in (1, 2, 3, 3, 2, 1)])


def test_a_photo_that_is_only_likely_places_none_that_overlap_with_it() -> None:
    rows = flight(9)
    rows[8] = row(None, name="p8")
    for confidence, is_placed in ((0.85, False), (0.95, True)):
        rows[7] = row(7 * STEP_M, confidence, name="p7")
        assert (
            place(rows, Map(), Meadow({"p8": 8 * STEP_M}))[8].candidate is not None
        ) is is_placed


def test_a_place_that_the_track_thinks_likely_gives_way_to_a_surer_one_by_overlap() -> None:
    placed = TrackPlacing(
        flight(6), [10.0 * n for n in range(6)], in_seconds=True, area_m2=2e6, min_confidence=0.8
    )
    decided = [Placed(one) for one in flight(6)]
    (astray,) = Map({"p3": (3 * STEP_M + 60.0, 0.5)})(decided[3].row, (), Motion(1, 1))
    for probability, gives_way in ((0.85, True), (0.98, False)):
        decided[3] = Placed(decided[3].row, astray, probability)
        found = placed._carried_on(list(decided), Meadow({"p3": 3 * STEP_M}))[3].candidate
        assert found is not None
        assert (found is not astray) is gives_way


@pytest.mark.parametrize(
    ("both_overlap", "left", "expected"),
    [(True, 0.6, 0.99 * 0.98), (False, 0.6, 0.0), (False, 0.1, 0.9), (False, 0.001, 0.99 * 0.98)],
)
def test_a_place_that_was_surer_alone_gives_way_to_two_that_agree_or_where_little_of_it_is_left(
    both_overlap: bool, left: float, expected: float
) -> None:
    rows = flight(6)
    track = TrackPlacing(
        rows, [10.0 * n for n in range(6)], in_seconds=True, area_m2=2e6, min_confidence=0.8
    )
    meadow = Meadow({"p3": 3 * STEP_M})

    def carry(row: PhotoResult, neighbour: PhotoResult) -> Candidate | None:
        return meadow(row, neighbour) if both_overlap or neighbour.photo == "p2" else None

    decided = [Placed(one) for one in rows]
    decided[3] = Placed(rows[3], probability=left, is_doubted=True)
    placed = track._carried_on(decided, carry)[3]
    assert placed.candidate is not None if expected else placed == decided[3]
    assert placed.probability == pytest.approx(expected or left)


def test_a_photo_that_overlaps_with_none_stays_without_a_place() -> None:
    rows = flight(7)
    rows[3] = row(None, name="foreign")
    assert place(rows, Map(), Meadow({}))[3].candidate is None


def test_a_place_by_overlap_that_the_vehicle_cannot_have_reached_is_none() -> None:
    rows = flight(9)
    rows[4] = row(None, name="p4")
    far = Meadow({"p4": 4 * STEP_M})
    far.finds["p4"] = 3 * STEP_M + 1.4 * STEP_M  # beside p3 and p5, and within their reach
    assert place(rows, Map(), far)[4].candidate is not None

    def astray(row: PhotoResult, neighbour: PhotoResult) -> Candidate | None:
        return replace(Map({row.photo: (1900.0, 0.0)})(row, (), Motion(1, 1))[0], log_odds=0.0)

    assert place(rows, Map(), astray)[4].candidate is None


def test_who_says_that_photos_are_of_one_track_is_believed() -> None:
    order = np.random.default_rng(1).permutation(6)
    rows = [row(4 * STEP_M * at, name=f"p{n}") for n, at in enumerate(order)]
    clock = [10.0 * n for n in range(6)]
    for is_named in (True, False):
        track = TrackPlacing(
            rows, clock, in_seconds=True, area_m2=2e6, min_confidence=0.8, is_named=is_named
        )
        assert track.is_track is is_named
