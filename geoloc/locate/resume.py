"""Resume `geoloc locate`: what an earlier run has left of an output, and what is still to do.

An unfinished run leaves its journal (`geoloc.results.journal`), whatever the format of its output;
a finished one its output, whose rows name the photos with the size and time of their files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geoloc.errors import InputError, OutputExistsError
from geoloc.locate.run_facts import PhotoStates, difference
from geoloc.options import OutputFormat, OutputOptions
from geoloc.results.files import read_results
from geoloc.results.formats import foreign_parts
from geoloc.results.journal import JournalContent, journal_path, read_journal, row_key
from geoloc.results.schema import PhotoResult

_REPLACE = "choose another name or say --overwrite"


@dataclass(frozen=True)
class Output:
    """An output, and what decides the answers that belong into it.

    Attributes:
        path: Its file.
        fmt: Its format.
        index_id: Digest that names the index.
        options: As `geoloc.locate.run_facts.options_text` says.
        states: The photos as they are now.
        in_tracks: Whether a row is done only when its track is.
    """

    path: Path
    fmt: OutputFormat
    index_id: str
    options: str | None
    states: PhotoStates
    in_tracks: bool = False

    def lacks(self, rows: Mapping[str, PhotoResult], photo: Path) -> bool:
        """Whether a photo is to be located: it has no row that holds, or its track is not done."""
        row = self.valid_row(rows, photo)
        return row is None or (self.in_tracks and row.from_track is None)

    def valid_row(self, rows: Mapping[str, PhotoResult], photo: Path) -> PhotoResult | None:
        """The row of a photo that was read and is as it was; None without one."""
        row = rows.get(row_key(photo))
        if row is None or row.status == "unreadable" or not self.states.is_unchanged(row, photo):
            return None
        return row

    def check(self, rows: Mapping[str, PhotoResult], where: Path) -> None:
        """Refuse rows that were made otherwise than this run would make them."""
        reason = difference(rows.values(), index_id=self.index_id, options=self.options)
        if reason is not None:
            raise OutputExistsError(
                f"{where} exists, with answers that were made otherwise: {reason}; {_REPLACE} "
                "to replace them",
                path=where,
            )


@dataclass(frozen=True)
class Standing:
    """What is there, and what is left to do.

    Attributes:
        todo: Photos to locate, each once.
        rows: Rows that are there, by `row_key`.
        journal_end: Bytes of the journal that holds them; 0 if they are in no journal.
        replaces: Whether another output is to be replaced, which serves until the end.
        is_finished: Whether the rows are those of a finished output.
    """

    todo: list[Path]
    rows: dict[str, PhotoResult] = field(default_factory=dict)
    journal_end: int = 0
    replaces: bool = False
    is_finished: bool = False


def find_standing(photos: Sequence[Path], output: Output, choice: OutputOptions) -> Standing:
    """What an earlier run has left, if a new one may go on from it.

    Raises:
        OutputExistsError: It is no output of this command, or photos were added or have changed
            since it was finished and `choice` does not allow for that.
    """
    unique = list({row_key(photo): photo for photo in photos}.values())
    if choice.overwrite:
        return Standing(unique, replaces=output.path.exists())
    journal = read_journal(output.path)
    if journal.rows:
        return _unfinished(unique, output, journal)
    if output.path.exists():
        return _finished(unique, output, may_grow=choice.resume)
    return Standing(unique)


def in_order(rows: Mapping[str, PhotoResult], photos: Sequence[Path]) -> list[PhotoResult]:
    """Rows in the order of their photos, behind those of photos that were not given."""
    keys = dict.fromkeys(row_key(photo) for photo in photos)
    others = [row for key, row in rows.items() if key not in keys]
    return others + [rows[key] for key in keys if key in rows]


def _unfinished(photos: list[Path], output: Output, journal: JournalContent) -> Standing:
    """Go on from the journal of a run that was interrupted."""
    where = journal_path(output.path)
    output.check(journal.rows, where)
    if output.path.exists() and not journal.replaces:
        # What an interrupt has written holds no more than the journal does.
        others = _rows_of(output).keys() - journal.rows.keys()
        if others:
            raise OutputExistsError(
                f"{output.path} exists, with rows of photos that the unfinished run in {where} "
                f"does not know; {_REPLACE}",
                path=output.path,
            )
        _refuse_to_lose(output)
    todo = [photo for photo in photos if output.lacks(journal.rows, photo)]
    return Standing(todo, journal.rows, journal.end, replaces=journal.replaces)


def _finished(photos: list[Path], output: Output, *, may_grow: bool) -> Standing:
    """Leave a finished output, or add to it; photos that could not be read are tried again."""
    rows = _rows_of(output)
    if not any(row.photo_time for row in rows.values()) and rows:
        raise OutputExistsError(
            f"{output.path} exists, and does not say when its photos were taken from the disk; "
            f"{_REPLACE}",
            path=output.path,
        )
    output.check(rows, output.path)
    todo = [photo for photo in photos if output.lacks(rows, photo)]
    if not may_grow:
        _refuse_to_grow(todo, rows, output.path, len(photos))
    if todo:
        _refuse_to_lose(output)
    return Standing(todo, rows, is_finished=True)


def _refuse_to_grow(
    todo: Iterable[Path], rows: Mapping[str, PhotoResult], path: Path, total: int
) -> None:
    """Refuse to add rows unasked.

    Raises:
        OutputExistsError: Photos are new, or have changed since they were located.
    """
    new = [photo for photo in todo if row_key(photo) not in rows]
    changed = [
        photo
        for photo in todo
        if (row := rows.get(row_key(photo))) is not None and row.status != "unreadable"
    ]
    parts = [
        f"{len(some)} {what} ({some[0].name}{', ...' if len(some) > 1 else ''})"
        for some, what in ((new, "new"), (changed, "changed"))
        if some
    ]
    if parts:
        raise OutputExistsError(
            f"{path} exists; of these {total} photos {' and '.join(parts)} since it was written: "
            "use --resume to add them or --overwrite to begin anew, or choose another name",
            path=path,
        )


def _refuse_to_lose(output: Output) -> None:
    """Refuse to write an output again to which a person has added something.

    Raises:
        OutputExistsError: It holds more than rows of ours.
    """
    parts = foreign_parts(output.path, output.fmt)
    if parts:
        raise OutputExistsError(
            f"{output.path} exists, and holds what geoloc would not write again: "
            f"{', '.join(parts)}; rename the file and run the same command for the rows, or say "
            "--overwrite",
            path=output.path,
        )


def _rows_of(output: Output) -> dict[str, PhotoResult]:
    """The rows of an output that is there.

    Raises:
        OutputExistsError: It is none of ours.
    """
    try:
        results = read_results(output.path, fmt=output.fmt)
    except InputError as error:
        raise OutputExistsError(
            f"{output.path} exists, and holds no results that could be gone on from ({error}); "
            f"{_REPLACE}",
            path=output.path,
        ) from error
    return {row_key(result.photo): result for result in results}
