"""Locate the photos of each track together, after all photos have been located alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from geoloc.errors import PhotoError
from geoloc.locate.locator import Locator
from geoloc.locate.track.carrying import Carrier
from geoloc.locate.track.grouping import Exposure, Track, exposure_of, find_tracks
from geoloc.locate.track.named import track_names
from geoloc.locate.track.placing import Placed, TrackPlacing
from geoloc.locate.track.second_search import SecondSearch
from geoloc.options import LocateOptions
from geoloc.photos.photo_metadata import read_metadata
from geoloc.progress import Progress
from geoloc.results.journal import row_key
from geoloc.results.schema import PhotoResult
from geoloc.tiles.map_area import map_area_m2


def locate_tracks(
    locator: Locator,
    photos: Sequence[Path],
    rows: Mapping[str, PhotoResult],
    options: LocateOptions,
    *,
    progress: Progress,
) -> dict[str, PhotoResult]:
    """The rows of photos, decided track by track.

    Args:
        locator: What has located them alone.
        photos: All photos, in order.
        rows: Their rows so far by `geoloc.results.journal.row_key`; photos without one are passed
            over. Rows that a track has decided before are believed and stay.
        options: How to search.
        progress: Is told of each track.
    """
    named = track_names(options, photos)
    exposures = _exposures(locator, [each for each in photos if row_key(each) in rows], named)
    tracks = find_tracks(each for each in exposures if row_key(each.photo) in rows)
    done = {key: _alone(row) for key, row in rows.items()}
    progress.start("locating tracks", len(tracks), "tracks")
    work = _TrackWork(locator, rows, named)
    with ThreadPoolExecutor(options.workers) as pool:
        waiting = [pool.submit(work.locate, track) for track in tracks]
        try:
            for track, decided in zip(tracks, waiting, strict=True):
                for photo, row in zip(track.photos, decided.result(), strict=True):
                    done[row_key(photo)] = row
                progress.advance()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return done


class _TrackWork:
    """Locates tracks one by one; safe to use from several threads.

    Args:
        locator: What has located the photos alone.
        rows: Their rows by `geoloc.results.journal.row_key`.
        named: The track of each photo, where the user named them.
    """

    def __init__(
        self,
        locator: Locator,
        rows: Mapping[str, PhotoResult],
        named: Mapping[Path, str] | None,
    ) -> None:
        self._rows = rows
        self._named = named
        self._least = locator.provenance.min_confidence
        self._area_m2 = _area_m2(locator)
        self._carrier = Carrier(locator)
        self._second = SecondSearch(locator, self._carrier.carry)

    def locate(self, track: Track) -> list[PhotoResult]:
        """The rows of a track's photos, in its order; no track is named where there is none."""
        placing = TrackPlacing(
            [self._rows[row_key(photo)] for photo in track.photos],
            track.clock,
            in_seconds=track.in_seconds,
            area_m2=self._area_m2,
            min_confidence=self._least,
            is_named=self._named is not None,
        )
        placed = placing.place(self._second.candidates, self._carrier.carry)
        rows = [_row(one, self._second) for one in placed]
        if not placing.is_track:
            return rows
        name = self._name(track)
        return [
            replace(row, track=name, track_position=position)
            for position, row in enumerate(rows, 1)
        ]

    def _name(self, track: Track) -> str:
        """Name of a track: the user's, or that of its first photo."""
        first = track.photos[0]
        return first.stem if self._named is None else self._named[first]


def _exposures(
    locator: Locator, photos: Sequence[Path], named: Mapping[Path, str] | None
) -> Iterator[Exposure]:
    for photo in photos:
        if named is not None and photo not in named:
            continue
        try:
            metadata = locator.sources.complete(photo, read_metadata(photo))
        except PhotoError:
            continue  # it is gone; its row says so
        yield exposure_of(photo, metadata, named=None if named is None else named[photo])


def _area_m2(locator: Locator) -> float:
    """Area of the map: of what has local features, or of all tiles where none are kept."""
    if locator.drone is None:
        return map_area_m2(locator.tiles)
    return float(locator.drone.features.areas_m2().sum())


def _row(placed: Placed, second: SecondSearch) -> PhotoResult:
    """The row of a photo, with its answer alone beside it where its track decides otherwise."""
    alone = placed.row
    if alone.from_track is not None or (placed.candidate is None and not placed.is_doubted):
        return _alone(alone)
    if placed.candidate is None:
        why = "the photos before and after it were elsewhere"
        row = replace(alone, status="ambiguous", confidence=placed.probability, error=why)
    else:
        row = second.row_of(placed.candidate, placed.probability)
    return replace(
        row,
        from_track=1,
        single_status=alone.status,
        single_longitude=alone.longitude,
        single_latitude=alone.latitude,
    )


def _alone(row: PhotoResult) -> PhotoResult:
    """The row of a photo that no track decides for."""
    return row if row.from_track is not None else replace(row, from_track=0)
