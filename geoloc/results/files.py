"""Files of results: written in any format that QGIS opens, and read back.

Files are WGS84. Photos without an answer keep their row, with a null geometry; every format keeps
them (CSV has no geometry, only the columns). Beside the formats that cannot carry a style lies
one for QGIS, ``<stem>.qml``. `photo_rel` is the way from the output's folder to the photo, so
that both can be moved together. A file is read back before it takes its name.
"""

from __future__ import annotations

import codecs
import dataclasses
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from geoloc.csv_table import TableError
from geoloc.errors import (
    InputError,
    OptionError,
    OutputBusyError,
    OutputExistsError,
    ShortWriteError,
)
from geoloc.options import OutputFormat
from geoloc.results.formats import (
    LIBRARY_ERRORS,
    check_records,
    output_format,
    read_records,
    write_records,
)
from geoloc.results.journal import ResultJournal, journal_path
from geoloc.results.qgis_style import photo_style
from geoloc.results.schema import PhotoResult, Record, result_of, result_record
from geoloc.results.text_formats import TEXT_WRITERS
from geoloc.results.track_file import write_track_file
from geoloc.storage.atomic import draft_name, plain_target, replacing, write_text
from geoloc.storage.lock import locked_file
from geoloc.storage.sqlite_group import check_not_in_use

_SIDECAR_FORMATS = ("geojson", "geojsonl", "fgb", "parquet")  # QGIS looks for <stem>.qml


# --- before anything takes time --------------------------------------------------------------


def check_output(path: str | Path, *, fmt: OutputFormat | None, overwrite: bool) -> OutputFormat:
    """The format that `path` will be written in, if it can be; costs nothing.

    Raises:
        OptionError: As `check_place`.
        OutputBusyError: As `check_place`.
        OutputExistsError: `path` or its journal is there and `overwrite` was not asked for.
    """
    chosen = check_place(path, fmt=fmt)
    if str(path) == "-" or overwrite:
        return chosen
    for target in (Path(path), journal_path(path)):
        if target.exists():
            raise OutputExistsError(
                f"{target} exists; choose another name or say --overwrite", path=target
            )
    return chosen


def check_place(path: str | Path, *, fmt: OutputFormat | None) -> OutputFormat:
    """The format that `path` will be written in, if a file may be written there.

    Raises:
        OptionError: No such format, a format that cannot stream, a closed stdout, a device, or a
            folder that is not there or may not be written.
        OutputBusyError: Another program has the file open.
    """
    chosen = output_format(path, fmt)
    if str(path) == "-":
        if chosen not in TEXT_WRITERS:
            streams = ", ".join(TEXT_WRITERS)
            raise OptionError(f"{chosen} cannot be written to stdout; choose {streams}, or a file")
        if sys.stdout is None:
            raise OptionError("cannot write to stdout: it is closed; name a file with -o")
        return chosen
    target = plain_target(Path(path))
    if not target.parent.is_dir():
        raise OptionError(f"cannot write {path}: its folder does not exist; create it first")
    _try_to_write(target, Path(path))
    check_not_in_use(target)
    return chosen


def _try_to_write(target: Path, given: Path) -> None:
    """Write and remove an empty file beside `target`: better known now than after the work."""
    draft = draft_name(target)
    try:
        draft.touch()
        draft.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(error.errno, error.strerror, str(given)) from error
        raise OptionError(
            f"cannot write {given}: {error.strerror or error}; name a folder that may be written"
        ) from error


# --- writing ---------------------------------------------------------------------------------


def write_results(
    results: Iterable[PhotoResult],
    path: str | Path,
    *,
    fmt: OutputFormat | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """The files written: the results in their order, and beside them their QGIS style.

    To stdout the results are written as they come. For a file they are kept in a journal beside
    it as they come (`geoloc.results.journal`), which goes when the file is whole, and stays when
    it cannot be written. When `results` breaks off with an error or by Ctrl-C, the file is
    written with what came before and the error goes on. A style that lies there already is kept,
    unless `overwrite`.

    Args:
        results: One a photo; may be a generator that still works.
        path: The file, or ``-`` for stdout.
        fmt: The format; None takes the one of the extension.
        overwrite: Replace a file that is there.

    Raises:
        OptionError: As `check_output`.
        OutputBusyError: As `check_output`, or another run writes there.
        OutputExistsError: As `check_output`.
        ShortWriteError: The file could not be written whole.
    """
    chosen = check_output(path, fmt=fmt, overwrite=overwrite)
    if str(path) == "-":
        stream_results(results, chosen)
        return []
    with locked_file(Path(path)):
        journal = ResultJournal(path, replaces=Path(path).exists())
        rows: list[PhotoResult] = []
        try:
            broke_off = journal.collect(_noted(results, rows))
        finally:
            journal.close()
        written: list[Path] = []
        if rows or broke_off is None:
            written = write_file(rows, Path(path), chosen, new_style=overwrite)
            journal.remove()
    if broke_off is not None:
        raise broke_off
    return written


def _noted(results: Iterable[PhotoResult], rows: list[PhotoResult]) -> Iterator[PhotoResult]:
    """Results as they come, each noted: two may be of one photo."""
    for result in results:
        rows.append(result)
        yield result


def stream_results(results: Iterable[PhotoResult], fmt: OutputFormat) -> None:
    """Write results to stdout as they come, in a text format.

    What breaks them off goes on when what came before is a whole file.

    Raises:
        ShortWriteError: What stdout leads to is full.
    """
    broke_off: list[BaseException] = []

    def records() -> Iterator[Record]:
        coming = iter(results)
        while True:
            try:
                result = next(coming, None)
            except (Exception, KeyboardInterrupt) as error:
                broke_off.append(error)
                return
            if result is None:
                return
            yield _record(result, Path.cwd())

    try:
        TEXT_WRITERS[fmt](records(), codecs.getwriter("utf-8")(sys.stdout.buffer))
    except BrokenPipeError:
        raise  # a reader that has seen enough
    except OSError as full:
        message = f"stdout cannot be written: {full.strerror}"
        raise ShortWriteError(f"{message}; name a file with -o, which keeps what is done") from full
    for error in broke_off:
        raise error


def write_file(
    results: Iterable[PhotoResult], path: Path, fmt: OutputFormat, *, new_style: bool
) -> list[Path]:
    """Write results to a file, whole or not at all, and a style for QGIS beside it.

    Tracks of photos lie beside it as well, where its format has no layer for them.

    Args:
        results: One a photo.
        path: The file.
        fmt: Its format.
        new_style: Replace a style that lies there already.

    Raises:
        OutputBusyError: Another program has the file open.
        OutputExistsError: What has the name of the file of tracks is none.
        ShortWriteError: The file does not hold what was written.
    """
    records = [_record(result, path.absolute().parent) for result in results]
    written = [path]
    try:
        with replacing(path, check=lambda draft: check_records(draft, records, fmt)) as draft:
            write_records(records, draft, fmt)
        style = path.with_suffix(".qml")
        if fmt in _SIDECAR_FORMATS and (new_style or not style.exists()):
            write_text(style, photo_style())
            written.append(style)
        written += write_track_file(records, path, fmt, new_style=new_style)
    except OutputBusyError as error:
        message = f"{error}; what was done is kept, run the same command again then"
        raise OutputBusyError(message, path=path) from error
    except ShortWriteError as error:
        raise ShortWriteError(
            f"{path}: {error}; its disk may be full or damaged: choose another -o, or run the same "
            "command again, what was done is kept",
            path=path,
        ) from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return written


def _record(result: PhotoResult, folder: Path) -> Record:
    """The row of a result in a file of `folder`."""
    return result_record(dataclasses.replace(result, photo_rel=_relative_path(result, folder)))


def _relative_path(result: PhotoResult, folder: Path) -> str | None:
    """The way from `folder` to the photo with forward slashes; None across drives."""
    try:
        return Path(os.path.relpath(result.photo, folder)).as_posix()
    except ValueError:
        return None


# --- reading ---------------------------------------------------------------------------------


def read_results(path: str | Path, *, fmt: OutputFormat | None = None) -> list[PhotoResult]:
    """The results that a file holds, in its order, in any format that `write_results` writes.

    Args:
        path: The file.
        fmt: Its format; None takes the one of the extension.

    Raises:
        InputError: The file is not there, cannot be read, or holds no results of ours.
        OptionError: The extension names no format.
    """
    source = Path(path)
    chosen = output_format(source, fmt)
    try:
        records = read_records(source, chosen)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror or error}", path=source) from error
    except TableError as error:
        raise InputError(f"cannot read {source}: {error}", path=source) from error
    except LIBRARY_ERRORS as error:
        message = f"{source} is not a readable {chosen} file: {error}"
        raise InputError(message, path=source) from error
    return [_result_of(record, source) for record in records]


def _result_of(record: Record, source: Path) -> PhotoResult:
    """One row as a `PhotoResult`."""
    result = result_of(record)
    if result is None:
        raise InputError(
            f"{source} holds no results of geoloc: expected the columns photo and status; "
            "give a file that `geoloc locate -o` wrote",
            path=source,
        )
    return result
