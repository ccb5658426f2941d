"""Locate a folder of photos on an index: photos in, results out, in the same order."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast, get_args

from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import LOCATE_PARAMETERS, LocateParameters, Locator
from geoloc.locate.matcher_choice import with_matcher
from geoloc.locate.photo_worker import PhotoWorker, Run, locate_on_cluster
from geoloc.locate.track.job import TrackRows
from geoloc.locate.track.named import are_in_tracks, track_names
from geoloc.models.device import resolve_device
from geoloc.models.embedder import fingerprint
from geoloc.options import ONE_MACHINE, EngineOptions, LocateOptions
from geoloc.photos.kind import PhotoKind
from geoloc.progress import CappedWarnings, Progress, Silent
from geoloc.results.journal import row_key
from geoloc.results.schema import PhotoResult


def _forget(row: PhotoResult) -> None:
    """What keeps a row for nobody."""


@dataclass(frozen=True)
class SingleRows:
    """Rows of photos that were located alone, whose tracks are not done yet.

    Attributes:
        known: Rows of an earlier run by `geoloc.results.journal.row_key`.
        keep: Is given each new row, so that an interrupt costs none.
    """

    known: Mapping[str, PhotoResult] = field(default_factory=dict)
    keep: Callable[[PhotoResult], None] = _forget


def locate_photos(
    photos: Sequence[Path],
    index: str | Path,
    options: LocateOptions | None = None,
    *,
    progress: Progress | None = None,
    engine: EngineOptions | None = None,
    parameters: LocateParameters = LOCATE_PARAMETERS,
) -> Iterator[PhotoResult]:
    """Locate photos; results come one by one, in the order of `photos`, with tracks at the end.

    The photos' own positions are not used unless ``options.prior`` is ``exif``. A photo that
    cannot be read or found is a result with a status, never an error.

    Args:
        photos: Files, as `geoloc.photos.photo_files.find_photos` gives them.
        index: The folder that `geoloc.build_index` wrote.
        options: How to search.
        progress: Receives counts and warnings.
        engine: What runs it; None is this process.
        parameters: What tunes each step, for experiments.

    Raises:
        DependencyError: There is no such device or cluster.
        IndexFolderError: The index is missing, unfinished, or of another model or version.
        MetadataError: ``options.metadata`` cannot be read, or a row of it fits several photos.
        RasterError: An elevation model cannot be read, or holds no heights.
    """
    options = options or LocateOptions()
    opened = open_index(index, options)
    return locate_on(
        opened,
        photos,
        options,
        progress=progress or Silent(),
        engine=engine or ONE_MACHINE,
        parameters=parameters,
    )


def open_index(index: str | Path, options: LocateOptions) -> MapIndex:
    """An index whose model and device are there.

    Raises:
        DependencyError: There is no such device.
        IndexFolderError: The index is missing, unfinished, or of another model or version.
    """
    resolve_device(options.device)  # not every photo needs it, so it would be missed halfway
    opened = MapIndex.open(Path(index))
    opened.check_model(fingerprint(opened.card))
    return opened


def locate_on(
    opened: MapIndex,
    photos: Sequence[Path],
    options: LocateOptions,
    *,
    progress: Progress,
    engine: EngineOptions = ONE_MACHINE,
    passed_over: Collection[Path] = (),
    parameters: LocateParameters = LOCATE_PARAMETERS,
    single_rows: SingleRows | None = None,
) -> Iterator[PhotoResult]:
    """Locate photos on an index that is open, all but those to be `passed_over`.

    All photos are given, because a table of metadata speaks of all of them. Photos of tracks
    (``options.track``) are all located alone first; their rows come when every track is done.

    Args:
        opened: The index.
        photos: All photos.
        options: How to search.
        progress: Receives counts and warnings.
        engine: What runs it.
        passed_over: Photos that have their rows already.
        parameters: What tunes each step.
        single_rows: Rows from before, for tracks, and what keeps new ones until theirs are done.

    Raises:
        MetadataError: ``options.metadata`` cannot be read, or a row of it fits several photos.
        OptionError: ``options.track`` names no column of it.
    """
    options = with_matcher(options, opened)  # once, not in each actor of a cluster
    in_tracks = are_in_tracks(options)
    track_names(options, photos)  # rather now than when all photos are done
    run = Run(
        index=opened.folder,
        index_id=opened.index_id,
        run_id=uuid.uuid4().hex[:12],
        options=options,
        photos=tuple(photos),
        parameters=parameters,
    )
    locator = Locator(opened, options, run_id=run.run_id, parameters=parameters)
    for note in (*locator.notes, *locator.sources.settle(photos)):
        progress.warn(note)
    left_out = frozenset(passed_over)
    todo = [photo for photo in photos if photo not in left_out]
    single_rows = single_rows or SingleRows()
    alone = [photo for photo in todo if not in_tracks or row_key(photo) not in single_rows.known]
    worker = PhotoWorker(locator, options)
    if engine.is_cluster:
        rows = locate_on_cluster(run, alone, engine, worker)
    else:
        rows = _in_threads(locator, worker, alone, options.workers)
    reported = _reported(rows, len(alone), locator, progress)
    if not in_tracks:
        return reported
    known = single_rows.known
    has_row = {row_key(photo) for photo in todo} | known.keys()
    in_any = [photo for photo in photos if row_key(photo) in has_row]
    tracks = TrackRows(locator, in_any, options, progress=progress)
    return tracks.in_order(todo, chain(known.values(), _kept(reported, single_rows.keep)))


def _kept(
    rows: Iterable[PhotoResult], keep: Callable[[PhotoResult], None]
) -> Iterator[PhotoResult]:
    for row in rows:
        keep(row)
        yield row


def _reported(
    rows: Generator[PhotoResult, None, None], count: int, locator: Locator, progress: Progress
) -> Iterator[PhotoResult]:
    """Rows as they come, counted, with the warnings that are due."""
    progress.start("locating photos", count, "photos")
    reporter = _Reporter(locator, progress)
    with closing(rows):
        for row in rows:
            yield reporter.report(row)
    reporter.finish()


def _in_threads(
    locator: Locator, worker: PhotoWorker, photos: Sequence[Path], workers: int
) -> Generator[PhotoResult, None, None]:
    """Several photos at a time, a few ahead of the one that is waited for."""
    waiting: deque[Future[PhotoResult]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for photo in photos:
            waiting.append(pool.submit(worker, photo))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        locator.cancel()  # who leaves early need not wait for what nobody will read
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Reporter:
    """Passes on to the progress what results a person should know of, each reason once."""

    def __init__(self, locator: Locator, progress: Progress) -> None:
        self._locator = locator
        self._progress = progress
        self._unreadable = CappedWarnings(
            progress.warn, rest="{} more photos are unreadable; the column error says why"
        )
        self._unsupported: set[str] = set()

    def report(self, result: PhotoResult) -> PhotoResult:
        """Count a result, warn where that is due, and pass the result on."""
        if result.status == "rejected" and result.view in get_args(PhotoKind):
            self._warn_of_unsupported(cast(PhotoKind, result.view))
        if result.status == "unreadable":
            self._warn_of_unreadable(Path(result.photo), str(result.error))
        self._progress.advance()
        return result

    def _warn_of_unsupported(self, kind: PhotoKind) -> None:
        """Warn once of each kind of photos that none of them can be located."""
        reason = self._locator.unsupported_reason(kind)
        if reason is None or kind in self._unsupported:
            return
        self._unsupported.add(kind)
        other = "drone" if kind != "drone" else "street or --view panorama"
        self._progress.warn(
            f"{kind} photos are rejected: {reason}; choose --view {other} if these are none"
        )

    def _warn_of_unreadable(self, photo: Path, reason: str) -> None:
        """Warn of one unreadable photo, whose name most reasons hold."""
        self._unreadable.add(reason if photo.name in reason else f"{photo.name}: {reason}")

    def finish(self) -> None:
        """State how many more were unreadable."""
        self._unreadable.finish()
