"""Group photos into tracks: those that one camera took on one flight or walk, in order of time.

A track is photos of one folder, device and picture size. Its photos are put in the order of the
numbers in their names, and cut wherever the clock goes backwards or stands still for long: a clock
that was set, another zone, another flight. Pieces whose times follow each other are joined again:
numbers roll over (9999, 0001), and several folders of one card hold one flight.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from geoloc.photos.metadata import PhotoMetadata

# Longer than this nobody knows what a vehicle did.
LONGEST_GAP_S = 300.0
# Exposures are written to the second, so that two may seem to go backwards by one.
_CLOCK_S = 1.5
_NUMBER = re.compile(r"\d+")
# Before this no camera of ours was made: clocks that were never set begin in 1970 or 1980.
_FIRST_YEAR = 1990
# Cameras begin another folder when one is full, or their numbers roll over (DCF).
_CAMERA_FOLDER = re.compile(r"([1-9]\d\d)[0-9A-Za-z_]{5}")
_NUMBERS_A_FOLDER = 10_000


@dataclass(frozen=True)
class Exposure:
    """One photo, as far as grouping needs it.

    Attributes:
        photo: Its file.
        key: What photos of one track share: folder and device, or what the user named.
        time_s: Time of the exposure by the camera's clock, seconds since 1970; None where unknown.
        offset_s: Seconds by which that clock is ahead of UTC; None where it does not say.
        number: Number of the photo; None where its name has none.
    """

    photo: Path
    key: str
    time_s: float | None
    offset_s: float | None
    number: int | None


@dataclass(frozen=True)
class Track:
    """Photos of one flight or walk in their order.

    Attributes:
        photos: The files.
        clock: When each was taken: seconds, or the numbers of the photos.
        in_seconds: Whether the clock counts seconds.
    """

    photos: tuple[Path, ...]
    clock: tuple[float, ...]
    in_seconds: bool


def exposure_of(photo: Path, metadata: PhotoMetadata, *, named: str | None = None) -> Exposure:
    """A photo as grouping needs it.

    Args:
        photo: Its file.
        metadata: What is known of it.
        named: Name of its track, where the user gave one.
    """
    numbers = _NUMBER.findall(photo.stem)
    number = int(numbers[-1]) if numbers else None
    folder = photo.absolute().parent
    if number is not None and (card := _CAMERA_FOLDER.fullmatch(folder.name)):
        number += _NUMBERS_A_FOLDER * int(card[1])
        folder = folder.parent
    parts = (str(folder), _NUMBER.sub("#", photo.stem), metadata.make or "", metadata.model or "")
    time = _time_of(metadata.timestamp)
    offset = None if time is None else time.utcoffset()
    return Exposure(
        photo=photo,
        key="\n".join(parts) if named is None else named,
        time_s=None if time is None else time.replace(tzinfo=UTC).timestamp(),
        offset_s=None if offset is None else offset.total_seconds(),
        number=number,
    )


def find_tracks(exposures: Iterable[Exposure], *, gap_s: float = LONGEST_GAP_S) -> list[Track]:
    """The tracks of photos, each of two photos or more; a photo is in one of them at most."""
    groups: dict[str, list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        groups[exposure.key].append(exposure)
    tracks: list[Track] = []
    for group in groups.values():
        timed = [each for each in group if each.time_s is not None]
        # Where most photos have a time, one without is a stranger (a screenshot, a copy).
        if 2 * len(timed) >= len(group):
            tracks += _by_time(timed, gap_s)
        else:
            tracks += _by_number([each for each in group if each.number is not None])
    return [track for track in tracks if len(track.photos) > 1]


def _by_time(exposures: Sequence[Exposure], gap_s: float) -> list[Track]:
    """Tracks by the clock, cut where it was set; by UTC where every photo knows its zone."""
    exposures = _in_utc(exposures)
    pieces: list[list[Exposure]] = []
    for each in sorted(exposures, key=lambda one: (one.number or 0, one.photo.name)):
        step = None if not pieces else _time(each) - _time(pieces[-1][-1])
        if step is None or not -_CLOCK_S <= step <= gap_s:
            pieces.append([])
        pieces[-1].append(each)
    joined: list[list[Exposure]] = []
    for piece in sorted(pieces, key=lambda one: _time(one[0])):
        step = None if not joined else _time(piece[0]) - _time(joined[-1][-1])
        if step is not None and 0 <= step <= gap_s:
            joined[-1].extend(piece)
        else:
            joined.append(piece)
    ordered = (sorted(piece, key=_time) for piece in joined)
    return [
        Track(tuple(one.photo for one in piece), tuple(_time(one) for one in piece), True)
        for piece in ordered
    ]


def _by_number(exposures: Sequence[Exposure]) -> list[Track]:
    """One track by the numbers of the photos."""
    ordered = sorted(exposures, key=lambda one: (one.number or 0, one.photo.name))
    clock = tuple(float(one.number or 0) for one in ordered)
    return [Track(tuple(one.photo for one in ordered), clock, False)]


def _time(exposure: Exposure) -> float:
    assert exposure.time_s is not None, "those without a time were left out"
    return exposure.time_s


def _in_utc(exposures: Sequence[Exposure]) -> Sequence[Exposure]:
    """The same with times in UTC if all know it; else one who does would be hours away."""
    if any(each.offset_s is None for each in exposures):
        return exposures
    return [replace(each, time_s=_time(each) - (each.offset_s or 0.0)) for each in exposures]


def _time_of(timestamp: str | None) -> datetime | None:
    """The time that ISO 8601 text names; None where it names none, or the clock was never set."""
    try:
        time = datetime.fromisoformat(timestamp) if timestamp else None
    except ValueError:
        return None
    return None if time is None or time.year < _FIRST_YEAR else time
