"""Locate a folder of photos on an index: photos in, results out, in the same order."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from geoloc.embed import fingerprint, resolve_device
from geoloc.index import MapIndex
from geoloc.locator import Locator
from geoloc.options import LocateOptions
from geoloc.progress import Progress, Silent
from geoloc.schema import PhotoResult

_FIRST_COMPLAINTS = 5


def locate_photos(
    photos: Sequence[Path],
    index: str | Path,
    options: LocateOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Iterator[PhotoResult]:
    """Locate photos; results come one by one, in the order of `photos`.

    The photos' own positions are not used unless ``options.prior`` is ``exif``. A photo that
    cannot be read or found is a result with a status, never an error.

    Args:
        photos: Files, as `geoloc.photo.find_photos` gives them.
        index: The folder that `geoloc.build_index` wrote.
        options: How to search.
        progress: Who listens.

    Raises:
        DependencyError: There is no such device.
        IndexFolderError: The index is missing, unfinished, or of another model or version.
        MetadataError: ``options.metadata`` cannot be read.
    """
    options = options or LocateOptions()
    progress = progress or Silent()
    resolve_device(options.device)  # not every photo needs it, so it would be missed halfway
    opened = MapIndex.open(Path(index))
    opened.check_model(fingerprint(opened.card))
    locator = Locator(opened, options, run_id=uuid.uuid4().hex[:12])
    _warn_of_table(locator, photos, progress)
    return _in_order(locator, photos, options, progress)


def _in_order(
    locator: Locator, photos: Sequence[Path], options: LocateOptions, progress: Progress
) -> Iterator[PhotoResult]:
    """Several photos at a time, a few ahead of the one that is waited for."""
    progress.start("Locating", len(photos), "photos")
    waiting: deque[Future[PhotoResult]] = deque()
    warned: set[str] = set()
    complaints = _Complaints(progress)
    pool = ThreadPoolExecutor(options.workers)
    try:
        for photo in photos:
            waiting.append(pool.submit(locator.locate, photo))
            if len(waiting) > 2 * options.workers:
                yield _done(waiting.popleft(), warned, complaints, progress)
        while waiting:
            yield _done(waiting.popleft(), warned, complaints, progress)
        complaints.conclude()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _done(
    future: Future[PhotoResult], warned: set[str], complaints: _Complaints, progress: Progress
) -> PhotoResult:
    result = future.result()
    if result.view in ("street", "panorama") and result.view not in warned:
        warned.add(result.view)
        progress.warn(
            f"the model {result.model} was not trained for {result.view} photos; "
            "these are rejected (choose --view drone if they were taken from the air)"
        )
    if result.status == "unreadable":
        complaints.hear(Path(result.photo), str(result.error))
    progress.advance()
    return result


class _Complaints:
    """Says why photos could not be read: the first few in full, then how many more."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._count = 0

    def hear(self, photo: Path, reason: str) -> None:
        """Pass on why one photo is unreadable."""
        self._count += 1
        if self._count <= _FIRST_COMPLAINTS:
            # Most reasons name the photo themselves.
            named = reason if photo.name in reason else f"{photo.name}: {reason}"
            self._progress.warn(named)

    def conclude(self) -> None:
        """Say how many more there were."""
        more = self._count - _FIRST_COMPLAINTS
        if more > 0:
            self._progress.warn(f"{more} more photos are unreadable; the column error says why")


def _warn_of_table(locator: Locator, photos: Sequence[Path], progress: Progress) -> None:
    if locator.table is None:
        return
    for note in locator.table.notes:
        progress.warn(note)
    unmatched = locator.table.unmatched(photos)
    if unmatched:
        shown = ", ".join(unmatched[:3]) + (", ..." if len(unmatched) > 3 else "")
        progress.warn(f"{len(unmatched)} rows of the metadata table match no photo: {shown}")
