"""Which photos the line of a flight or walk goes through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from geoloc.results.schema import Record


def members_of(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The located photos of each track that has two or more of them, in the order of the track."""
    tracks: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record["track"] is not None and record["status"] == "located":
            tracks[record["track"]].append(record)
    return {
        name: sorted(members, key=lambda one: one["track_position"] or 0)
        for name, members in tracks.items()
        if len(members) > 1
    }
