"""Locate photos one by one, here or in the actors of a cluster, to the same rows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoloc.cluster import ActorPool, Lost
from geoloc.errors import IndexFolderError
from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import LOCATE_PARAMETERS, LocateParameters, Locator
from geoloc.locate.run_facts import PhotoState, PhotoStates
from geoloc.options import EngineOptions, LocateOptions
from geoloc.results.schema import PhotoResult


class PhotoWorker:
    """Locates a photo, and notes the state of its file before it was read.

    Args:
        locator: What locates.
        options: How to search.
    """

    def __init__(self, locator: Locator, options: LocateOptions) -> None:
        self._locator = locator
        self._states = PhotoStates(options)

    def __call__(self, photo: Path) -> PhotoResult:
        """The row of a photo.

        Raises:
            CancelledError: The locator was cancelled.
        """
        state = self._states.state_of(photo)
        return _with_state(self._locator.locate(photo), state)

    def lost(self, photo: Path, reason: str) -> PhotoResult:
        """The row of a photo over which the process that located it died."""
        why = f"the process that located it died, twice ({reason}); locate it by itself"
        return _with_state(self._locator.unreadable(photo, why), self._states.state_of(photo))


def _with_state(row: PhotoResult, state: PhotoState) -> PhotoResult:
    size_bytes, modified, flight_log = state
    return replace(row, photo_size=size_bytes, photo_time=modified, flight_log=flight_log)


@dataclass(frozen=True)
class Run:
    """All that the photos of a run have in common.

    Attributes:
        index: Folder of the index.
        index_id: Name of the index that was opened first.
        run_id: Name of the run.
        options: How to search.
        photos: All photos, of which a table of metadata speaks.
        parameters: What tunes each step.
    """

    index: Path
    index_id: str
    run_id: str
    options: LocateOptions
    photos: tuple[Path, ...]
    parameters: LocateParameters = LOCATE_PARAMETERS

    def open_worker(self) -> PhotoWorker:
        """A worker in an actor, on an index of its own.

        Raises:
            IndexFolderError: It is not the index that the run began with.
        """
        opened = MapIndex.open(self.index)
        if opened.index_id != self.index_id:
            raise IndexFolderError(
                f"{self.index} was replaced while photos were located; run the same command again",
                path=self.index,
            )
        locator = Locator(opened, self.options, run_id=self.run_id, parameters=self.parameters)
        locator.sources.settle(self.photos)
        return PhotoWorker(locator, self.options)


def locate_on_cluster(
    run: Run, photos: Sequence[Path], engine: EngineOptions, here: PhotoWorker
) -> Generator[PhotoResult, None, None]:
    """The rows of photos, in their order, from the actors of a cluster.

    Args:
        run: What they have in common.
        photos: Those to locate.
        engine: Which cluster.
        here: What notes photos that actors died over.
    """
    with ActorPool[Path, PhotoResult](engine, run.open_worker) as pool:
        for photo, answer in zip(photos, pool.answers(photos), strict=True):
            yield here.lost(photo, answer.reason) if isinstance(answer, Lost) else answer
