"""Locate the photos of each track together, as soon as all of them have been located alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from geoloc.errors import PhotoError
from geoloc.locate.locator import Locator
from geoloc.locate.track.carrying import Carrier
from geoloc.locate.track.decided_row import alone_row, decided_row
from geoloc.locate.track.grouping import Exposure, Track, exposure_of, find_tracks
from geoloc.locate.track.named import track_names
from geoloc.locate.track.placing import TrackPlacing
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
    """The rows of photos that have all been located alone, decided track by track.

    Args:
        locator: What has located them.
        photos: All photos, in order.
        rows: Their rows so far by `geoloc.results.journal.row_key`; photos without one are passed
            over. Rows that a track has decided before are believed and stay.
        options: How to search.
        progress: Is told of each track.
    """
    known = [photo for photo in photos if row_key(photo) in rows]
    tracks = TrackRows(locator, known, options, progress=progress)
    decided = tracks.in_order(known, rows.values())
    return dict(rows) | {row_key(row.photo): row for row in decided}


class TrackRows:
    """Rows of photos as their tracks decide them, each track as soon as its photos are there.

    Args:
        locator: What locates the photos.
        photos: All photos that have a row, or will have one.
        options: How to search.
        progress: Is told of the tracks that are left when all photos have been located alone.
    """

    def __init__(
        self,
        locator: Locator,
        photos: Sequence[Path],
        options: LocateOptions,
        *,
        progress: Progress,
    ) -> None:
        named = track_names(options, photos)
        tracks = find_tracks(_exposures(locator, photos, named))
        self._tracks = tracks
        self._missing = [{row_key(photo) for photo in track.photos} for track in tracks]
        self._track_of = {key: at for at, keys in enumerate(self._missing) for key in keys}
        self._rows: dict[str, PhotoResult] = {}
        self._decided: dict[int, Future[dict[str, PhotoResult]]] = {}
        self._work = _TrackWork(locator, self._rows, named)
        self._pool = ThreadPoolExecutor(options.workers)
        self._progress = progress
        self._cancel = locator.cancel

    def in_order(self, todo: Iterable[Path], alone: Iterable[PhotoResult]) -> Iterator[PhotoResult]:
        """The rows of photos in their order, each when its track is done and those before it are.

        Args:
            todo: The photos whose rows are wanted.
            alone: Rows of all photos alone, in any order; those of todo that are in no track come
                while others are still awaited.
        """
        waiting = deque(todo)
        try:
            for row in alone:
                self._add(row)
                while waiting and self._is_done(waiting[0]):
                    yield self._result(waiting.popleft())
            left = {at for at, one in self._decided.items() if not one.done()}
            if left:
                self._progress.start("locating tracks", len(left), "tracks")
            for photo in waiting:
                yield self._result(photo)
                at = self._track_of.get(row_key(photo))
                if at in left:
                    left.discard(at)
                    self._progress.advance()
        except BaseException:
            self._cancel()  # who leaves early need not wait for what nobody will read
            raise
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _add(self, row: PhotoResult) -> None:
        """Take the row of a photo alone, and begin with its track if it was the last one."""
        key = row_key(row.photo)
        self._rows[key] = row
        at = self._track_of.get(key)
        if at is None or at in self._decided:
            return
        self._missing[at].discard(key)
        if not self._missing[at]:
            self._decided[at] = self._pool.submit(self._work.locate, self._tracks[at])

    def _is_done(self, photo: Path) -> bool:
        """Whether the row of a photo is there, and its track is done if it is in one."""
        key = row_key(photo)
        at = self._track_of.get(key)
        if at is None:
            return key in self._rows
        return at in self._decided and self._decided[at].done()

    def _result(self, photo: Path) -> PhotoResult:
        """The row of a photo, when its track is done."""
        key = row_key(photo)
        at = self._track_of.get(key)
        return alone_row(self._rows[key]) if at is None else self._decided[at].result()[key]


class _TrackWork:
    """Locates tracks one by one; safe to use from several threads.

    Args:
        locator: What has located the photos alone.
        rows: Their rows by `geoloc.results.journal.row_key`, those of a track before it is located.
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

    def locate(self, track: Track) -> dict[str, PhotoResult]:
        """The rows of a track's photos; no track is named where there is none."""
        placing = TrackPlacing(
            [self._rows[row_key(photo)] for photo in track.photos],
            track.clock,
            in_seconds=track.in_seconds,
            area_m2=self._area_m2,
            min_confidence=self._least,
            is_named=self._named is not None,
        )
        placed = placing.place(self._second.candidates, self._carrier.carry)
        rows = [decided_row(one, self._second) for one in placed]
        if placing.is_track:
            name = self._name(track)
            rows = [replace(row, track=name, track_position=n) for n, row in enumerate(rows, 1)]
        return {row_key(photo): row for photo, row in zip(track.photos, rows, strict=True)}

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
