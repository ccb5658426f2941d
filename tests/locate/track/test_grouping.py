"""Photos are told apart into tracks by folder, device, clock and number."""

from __future__ import annotations

from pathlib import Path

from geoloc.locate.track.grouping import Track, exposure_of, find_tracks
from geoloc.photos.metadata import PhotoMetadata


def tracks(*photos: tuple[str, str | None], model: str = "M3") -> list[Track]:
    return find_tracks(
        exposure_of(Path(name), PhotoMetadata(timestamp=time, model=model)) for name, time in photos
    )


def names(track: Track) -> list[str]:
    return [photo.name for photo in track.photos]


def at(minute: int, second: int = 0, zone: str = "") -> str:
    return f"2026-04-27T12:{minute:02}:{second:02}{zone}"


def test_a_long_pause_parts_two_flights() -> None:
    found = tracks(("p1", at(0)), ("p2", at(1)), ("p3", at(30)), ("p4", at(31)))
    assert [names(each) for each in found] == [["p1", "p2"], ["p3", "p4"]]


def test_the_clock_decides_the_order_whatever_order_the_photos_are_given_in() -> None:
    (found,) = tracks(("p3", at(2)), ("p1", at(0)), ("p2", at(1)))
    assert names(found) == ["p1", "p2", "p3"]
    assert [time - found.clock[0] for time in found.clock] == [0, 60, 120]


def test_numbers_that_roll_over_stay_one_track() -> None:
    (found,) = tracks(("p0001", at(2)), ("p0002", at(3)), ("p9998", at(0)), ("p9999", at(1)))
    assert names(found) == ["p9998", "p9999", "p0001", "p0002"]


def test_a_clock_that_was_set_back_parts_a_track_and_does_not_mix_it() -> None:
    found = tracks(("p1", at(40)), ("p2", at(41)), ("p3", at(20)), ("p4", at(21)))
    assert sorted(map(names, found)) == [["p1", "p2"], ["p3", "p4"]]


def test_zones_are_believed_only_where_every_photo_states_one() -> None:
    (found,) = tracks(("p1", at(0, zone="+02:00")), ("p2", "2026-04-27T10:01:00+00:00"))
    assert found.clock[1] - found.clock[0] == 60
    (found,) = tracks(("p1", at(0, zone="+02:00")), ("p2", at(1)))
    assert found.clock[1] - found.clock[0] == 60


def test_a_stranger_s_clock_does_not_cut_a_track() -> None:
    (found,) = tracks(("p1", at(0)), ("p2", "2019-01-01T00:00:00"), ("p3", at(1)))
    assert names(found) == ["p1", "p3"]


def test_a_clock_that_was_never_set_is_none_and_numbers_count() -> None:
    (found,) = tracks(("f20", "1980-01-01T00:00:00"), ("f3", None))
    assert (names(found), found.clock, found.in_seconds) == (["f3", "f20"], (3.0, 20.0), False)


def test_devices_folders_and_series_are_tracks_of_their_own() -> None:
    def shots(folder: str, model: str, suffix: str = "") -> list[object]:
        stated = PhotoMetadata(timestamp=at(0), model=model)
        return [exposure_of(Path(folder, f"p{n}{suffix}"), stated) for n in (1, 2)]

    found = find_tracks(
        [*shots("a", "M3"), *shots("b", "M3"), *shots("a", "phone"), *shots("a", "M3", "_T")]  # type: ignore[list-item]
    )
    assert [len(each.photos) for each in found] == [2, 2, 2, 2]


def test_the_folders_of_one_card_hold_one_flight() -> None:
    (found,) = tracks(("101MEDIA/p0001", at(1)), ("100MEDIA/p0999", at(0)))
    assert names(found) == ["p0999", "p0001"]
    (found,) = tracks(("101MEDIA/p0001", None), ("100MEDIA/p0999", None))
    assert names(found) == ["p0999", "p0001"]


def test_a_name_that_the_user_gave_decides_alone() -> None:
    (found,) = find_tracks(
        exposure_of(Path(folder, "p1"), PhotoMetadata(timestamp=at(n)), named="north")
        for n, folder in enumerate("ab")
    )
    assert len(found.photos) == 2


def test_one_photo_is_no_track() -> None:
    assert tracks(("p1", at(0))) == []
