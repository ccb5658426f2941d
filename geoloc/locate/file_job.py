"""Locate photos into a file: nothing done is lost, and the same call goes on where one stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geoloc import __version__
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.calibration_choice import own_calibration
from geoloc.locate.job import SingleRows, locate_on, open_index
from geoloc.locate.matcher_choice import with_matcher
from geoloc.locate.resume import Output, Standing, find_standing, in_order
from geoloc.locate.run_facts import PhotoStates, options_text
from geoloc.locate.street.calibration_choice import own_street_calibration
from geoloc.locate.track.named import are_in_tracks
from geoloc.options import ONE_MACHINE, EngineOptions, LocateOptions, OutputOptions
from geoloc.progress import Progress, Silent
from geoloc.results.files import check_place, stream_results, write_file
from geoloc.results.journal import ResultJournal, journal_path, read_journal, row_key
from geoloc.results.schema import PhotoResult
from geoloc.results.track_file import check_track_file, track_path
from geoloc.storage.atomic import remove_drafts_of
from geoloc.storage.lock import locked_file


@dataclass
class LocateSummary:
    """What a run has done so far.

    Attributes:
        photos: Number of photos to locate.
        passed_over: Number of photos that had their rows already.
        others: Number of rows of other photos that were there and stay.
        statuses: How many ended how.
        by_track: For how many their track decided.
        written: Files that were written.
        kept_in: File that holds what was done, after an interrupt.
    """

    photos: int = 0
    passed_over: int = 0
    others: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    by_track: int = 0
    written: list[Path] = field(default_factory=list)
    kept_in: Path | None = None

    @property
    def done(self) -> int:
        """Photos so far."""
        return self.statuses.total()

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return self.photos == 0 and not self.written


def locate_to_file(
    photos: Sequence[Path],
    index: str | Path,
    output: str | Path,
    options: LocateOptions | None = None,
    *,
    writing: OutputOptions | None = None,
    progress: Progress | None = None,
    engine: EngineOptions | None = None,
) -> LocateSummary:
    """Locate photos and write them to a file, in the order of `photos`.

    Each row is kept in a journal beside the file as soon as it is there, and the file is written
    at the end, or when the run breaks off. The same call goes on from the journal: photos whose
    files are as they were are passed over, and those that could not be read are tried again. With a
    finished file it has nothing to do.

    Args:
        photos: Files, as `geoloc.photos.photo_files.find_photos` gives them.
        index: The folder that `geoloc.build_index` wrote.
        output: The file, or ``-`` to write rows to stdout as they come.
        options: How to search.
        writing: How the file is written.
        progress: Receives counts and warnings.
        engine: What runs it; None is this process.

    Raises:
        DependencyError: There is no such device or cluster.
        IndexFolderError: The index is missing, unfinished, or of another model or version.
        MetadataError: ``options.metadata`` cannot be read, or a row of it fits several photos.
        OptionError: The file cannot be written there.
        OutputBusyError: Another run writes the file, or a program has it open.
        OutputExistsError: The file is there and holds other answers.
        ShortWriteError: The file could not be written whole; the journal keeps the rows.
    """
    job = FileJob(photos, index, output, options, writing=writing, progress=progress, engine=engine)
    return job.run()


class FileJob:
    """One run of `locate_to_file`, whose summary can be asked for after it broke off.

    Attributes:
        summary: What it has done so far.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        index: str | Path,
        output: str | Path,
        options: LocateOptions | None = None,
        *,
        writing: OutputOptions | None = None,
        progress: Progress | None = None,
        engine: EngineOptions | None = None,
    ) -> None:
        self._photos = photos
        self._index = index
        self._output = output
        self._options = options or LocateOptions()
        self._writing = writing or OutputOptions()
        self._progress = progress or Silent()
        self._engine = engine or ONE_MACHINE
        self._fmt = check_place(output, fmt=self._writing.fmt)
        self._journal: ResultJournal | None = None
        self._status_of: dict[str, str] = {}
        self.summary = LocateSummary()

    def run(self) -> LocateSummary:
        """Locate what is left to do, and write the file."""
        if str(self._output) == "-":
            self.summary.photos = len(self._photos)
            opened = self._open()
            coming = self._located(opened, Standing(list(self._photos)), {})
            stream_results(coming, self._fmt)
        else:
            with locked_file(Path(self._output)):
                self._run_locked(Path(self._output))
        return self.summary

    def _open(self) -> MapIndex:
        """The index; from now on the options say what ``auto`` stands for on it."""
        opened = open_index(self._index, self._options)
        self._options = with_matcher(self._options, opened)
        return opened

    def _run_locked(self, path: Path) -> None:
        for file in (path, journal_path(path)):
            remove_drafts_of(file)
        opened = self._open()
        calibrations = own_calibration(opened), own_street_calibration(opened)
        options = options_text(self._options, *calibrations)
        states = PhotoStates(self._options)
        in_tracks = are_in_tracks(self._options)
        if in_tracks:
            check_track_file(track_path(path), self._fmt)  # rather now than when all are located
        output = Output(path, self._fmt, opened.index_id, options, states, in_tracks)
        standing = find_standing(self._photos, output, self._writing)
        self._note(standing)
        if standing.is_finished and not standing.todo:
            return
        known = {
            row_key(photo): row
            for photo in (self._photos if in_tracks else ())
            if (row := output.valid_row(standing.rows, photo)) is not None
        }
        coming = self._located(opened, standing, known) if standing.todo else ()
        if self._writing.overwrite:
            standing = self._promote_journal(path, standing)
        journal = ResultJournal(
            path, standing.rows.values(), replaces=standing.replaces, end=standing.journal_end
        )
        self._journal = journal
        broke_off = journal.collect(coming)
        journal.close()
        if journal.path.exists():
            self.summary.kept_in = journal.path  # also if the output cannot be written
        if broke_off is None:
            self._write(path, journal.rows)
            journal.remove()
            self.summary.kept_in = None
            return
        if journal.rows and not standing.replaces:  # else what is there serves on
            self._write(path, journal.rows)
            self.summary.kept_in = path
        raise broke_off

    def _note(self, standing: Standing) -> None:
        """Count what is there, and warn of rows of another version."""
        rows, todo = standing.rows, standing.todo
        keys = {row_key(photo) for photo in self._photos}
        self.summary.photos = len(todo)
        self.summary.passed_over = len(keys) - len(todo)
        self.summary.others = len(rows.keys() - keys)
        versions = {row.geoloc_version for row in rows.values()} - {__version__}
        if todo and versions:
            others = ", ".join(sorted(map(str, versions)))
            self._progress.warn(f"rows of geoloc {others} are kept beside those of {__version__}")

    def _located(
        self, opened: MapIndex, standing: Standing, known: dict[str, PhotoResult]
    ) -> Iterator[PhotoResult]:
        """Results of the photos that are left, counted as they pass."""
        todo = set(standing.todo)
        in_tracks = are_in_tracks(self._options)
        tracks: dict[str, Any] = {"single_rows": SingleRows(known, self._keep)} if in_tracks else {}
        results = locate_on(
            opened,
            self._photos,
            self._options,
            progress=self._progress,
            engine=self._engine,
            passed_over=[photo for photo in self._photos if photo not in todo],
            **tracks,
        )
        return self._counted(results)

    def _counted(self, results: Iterable[PhotoResult]) -> Iterator[PhotoResult]:
        for result in results:
            self._count(result)
            self.summary.by_track += result.from_track == 1
            yield result

    def _count(self, result: PhotoResult) -> None:
        """Count a result in place of the earlier one of its photo."""
        key = row_key(result.photo)
        if key in self._status_of:
            self.summary.statuses[self._status_of[key]] -= 1
        self._status_of[key] = result.status
        self.summary.statuses[result.status] += 1

    def _keep(self, row: PhotoResult) -> None:
        """Keep the row of a photo alone until its track is done."""
        self._count(row)
        if self._journal is not None:
            self._journal.add(row)

    def _promote_journal(self, path: Path, standing: Standing) -> Standing:
        """Write the rows of an unfinished run that is given up, if they are nowhere else.

        They serve until their successors are whole.
        """
        abandoned = read_journal(path).rows
        if abandoned and not path.exists():
            write_file(abandoned.values(), path, self._fmt, new_style=False)
        return Standing(standing.todo, replaces=path.exists())

    def _write(self, path: Path, rows: dict[str, PhotoResult]) -> None:
        ordered = in_order(rows, self._photos)
        new_style = self._writing.overwrite
        self.summary.written = write_file(ordered, path, self._fmt, new_style=new_style)
