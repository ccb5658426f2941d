"""The formats of results: which a file has, its rows written, read, and read back.

A library that writes a file may write it short without a word, so that what was written is read
before the file takes its name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from geoloc.errors import OptionError, ShortWriteError, first_line
from geoloc.options import OutputFormat
from geoloc.results.schema import RESULT_COLUMNS, Record
from geoloc.results.text_formats import TEXT_READERS, TEXT_WRITERS

# What `write_results` makes of a file name.
SUFFIX_FORMATS: dict[str, OutputFormat] = {
    ".geojson": "geojson",
    ".json": "geojson",
    ".geojsonl": "geojsonl",
    ".geojsons": "geojsonl",
    ".gpkg": "gpkg",
    ".fgb": "fgb",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".csv": "csv",
}
# What libraries raise when they cannot write or read a file, beside OSError.
LIBRARY_ERRORS = (ValueError, KeyError, TypeError, RuntimeError)
# What of a library's words a message holds: theirs may be a whole program of SQL.
_LIMIT = 200
# What formats and programs add to the columns of their own accord.
_SPATIAL_COLUMNS = frozenset({"geometry", "bbox", "fid"})
_FULL = ("disk is full", "disk full", "No space left")


def output_format(path: str | Path, fmt: OutputFormat | None = None) -> OutputFormat:
    """The format to write: `fmt` if given, else what the extension says; ``-`` is GeoJSON.

    Raises:
        OptionError: The extension names no format and `fmt` is None.
    """
    if fmt is not None:
        return fmt
    if str(path) == "-":
        return "geojson"
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIX_FORMATS:
        known = ", ".join(SUFFIX_FORMATS)
        raise OptionError(
            f"cannot tell the format of {path}: expected one of {known}; rename it or say --format"
        )
    return SUFFIX_FORMATS[suffix]


def write_records(records: list[Record], path: Path, fmt: OutputFormat) -> None:
    """Write rows to a new file.

    Raises:
        OSError: The disk is full, as the library puts it.
        ShortWriteError: The library could not write it.
    """
    if fmt in TEXT_WRITERS:
        with path.open("w", encoding="utf-8", newline="") as stream:
            TEXT_WRITERS[fmt](records, stream)
        return
    from geoloc.results import layers  # geopandas is loaded only for these

    writers: dict[str, Callable[[list[Record], Path], None]] = {
        "gpkg": layers.write_gpkg,
        "fgb": layers.write_fgb,
        "parquet": layers.write_parquet,
    }
    try:
        writers[fmt](records, path)
    except layers.WRITE_ERRORS as error:
        if isinstance(error, OSError) and error.errno:
            raise
        if any(words in str(error) for words in _FULL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise ShortWriteError(f"{fmt} cannot be written: {first_line(error)[:_LIMIT]}") from error


def read_records(path: Path, fmt: OutputFormat) -> list[Record]:
    """The rows of a file.

    Raises:
        OSError: It is not there or cannot be read.
        TableError: A table of text is none.
        ValueError: It has another format, as KeyError, TypeError and RuntimeError.
    """
    if fmt in TEXT_READERS:
        return TEXT_READERS[fmt](path)
    from geoloc.results import layers

    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return layers.read_parquet(path) if fmt == "parquet" else layers.read_layer(path, fmt)


def foreign_parts(path: Path, fmt: OutputFormat) -> list[str]:
    """What a file of results holds that is not of ours, and that writing it again would lose.

    Raises:
        OSError: As `read_records`; ValueError, KeyError, TypeError and RuntimeError, too.
    """
    known = {column.name for column in RESULT_COLUMNS} | _SPATIAL_COLUMNS
    records = read_records(path, fmt)
    names = dict.fromkeys(name for record in records for name in record)
    parts = [f"the column {name}" for name in names if name not in known]
    if fmt != "csv":
        from geoloc.results import layers

        parts += layers.foreign_parts(path) if fmt == "gpkg" else []
        if records and (moved := layers.count_moved(path, fmt)):
            parts.append(f"{moved} points that were moved")
    return parts


def check_records(path: Path, records: list[Record], fmt: OutputFormat) -> None:
    """Make sure that a file that was just written holds its rows.

    Raises:
        ShortWriteError: It does not.
    """
    try:
        missing = _missing(path, records, fmt)
    except (OSError, *LIBRARY_ERRORS) as error:
        message = f"what was written cannot be read again: {first_line(error)[:_LIMIT]}"
        raise ShortWriteError(message) from error
    if missing:
        raise ShortWriteError(f"what was written is not whole: {missing}")


def _missing(path: Path, records: list[Record], fmt: OutputFormat) -> str | None:
    """What a file lacks; None if it is whole."""
    found = read_records(path, fmt)
    if len(found) != len(records):
        return f"{len(found)} of {len(records)} rows are there"
    if records and found[-1]["photo"] != records[-1]["photo"]:
        return "its last row is that of another photo"
    if fmt == "gpkg":
        from geoloc.results import layers

        return layers.missing_from_gpkg(path, records)
    return None
