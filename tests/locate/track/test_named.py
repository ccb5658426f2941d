"""Whether photos are located in tracks."""

from __future__ import annotations

import pytest

from geoloc.locate.track.named import are_in_tracks
from geoloc.options import LocateOptions


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LocateOptions(), True),
        (LocateOptions(track="none"), False),
        (LocateOptions(track="flight"), True),
        (LocateOptions(max_wrong=0.02), False),
        (LocateOptions(track="flight", max_wrong=0.02), True),
        (LocateOptions(track="none", max_wrong=0.02), False),
    ],
)
def test_photos_are_in_tracks_but_for_a_promise(options: LocateOptions, *, expected: bool) -> None:
    assert are_in_tracks(options) is expected
