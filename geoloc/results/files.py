"""Files of results: written in any format that QGIS opens, and read back.

Files are WGS84. Photos without an answer keep their row, with a null geometry; every format keeps
them (CSV has no geometry, only the columns). Beside the formats that cannot carry a style lies
one for QGIS, ``<stem>.qml``. `photo_rel` is the way from the output's folder to the photo, so
that both can be moved together.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, get_args

from geoloc.atomic import draft_name, replacing, write_text
from geoloc.csv_table import TableError, parse_number, read_table
from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.options import OutputFormat
from geoloc.results.qgis_style import photo_style
from geoloc.results.schema import (
    RESULT_COLUMNS,
    PhotoResult,
    Record,
    Status,
    plain_value,
    result_record,
)

_SIDECAR_FORMATS = ("geojson", "geojsonl", "fgb", "parquet")  # QGIS looks for <stem>.qml
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


class _TextStream(Protocol):
    """What the text formats are written to."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


# --- writing ---------------------------------------------------------------------------------


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


def check_output(path: str | Path, *, fmt: OutputFormat | None, overwrite: bool) -> OutputFormat:
    """The format that `path` will be written in, if it can be; costs nothing.

    Raises:
        OptionError: No such format, a format that cannot stream, or a folder that is not there
            or may not be written.
        OutputExistsError: `path` is there and `overwrite` was not asked for.
    """
    chosen = output_format(path, fmt)
    if str(path) == "-":
        if chosen not in _TEXT_WRITERS:
            streams = ", ".join(_TEXT_WRITERS)
            raise OptionError(f"{chosen} cannot be written to stdout; choose {streams}, or a file")
        return chosen
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise OptionError(f"cannot write {target}: its folder does not exist; create it first")
    if target.is_dir():
        raise OptionError(f"cannot write {target}: it is a folder; name a file in it")
    if target.exists() and not overwrite:
        raise OutputExistsError(
            f"{target} exists; choose another name or say --overwrite", path=target
        )
    _try_to_write(target)
    return chosen


def _try_to_write(target: Path) -> None:
    """Write and remove an empty file beside `target`: better known now than after the work."""
    draft = draft_name(Path(os.path.realpath(target)))
    try:
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise OptionError(
            f"cannot write {target}: {error.strerror or error}; name a folder that may be written"
        ) from error


def write_results(
    results: Iterable[PhotoResult],
    path: str | Path,
    *,
    fmt: OutputFormat | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """The files written: the results in their order, and beside them their QGIS style.

    GeoJSON, GeoJSON lines and CSV are written as the results come. When `results` breaks off
    with an error or by Ctrl-C, the file is finished with what came before and the error goes on.
    A style that lies there already is kept, unless `overwrite`.

    Args:
        results: One a photo; may be a generator that still works.
        path: The file, or ``-`` for stdout.
        fmt: The format; None takes the one of the extension.
        overwrite: Replace a file that is there.

    Raises:
        OptionError: As `check_output`.
        OutputExistsError: As `check_output`.
    """
    chosen = check_output(path, fmt=fmt, overwrite=overwrite)
    folder = Path.cwd() if str(path) == "-" else Path(path).absolute().parent
    rows = _Rows(results, folder)
    if str(path) == "-":
        _TEXT_WRITERS[chosen](rows, codecs.getwriter("utf-8")(sys.stdout.buffer))
        rows.raise_what_broke_off()
        return []
    written = _write_file(rows, Path(path), chosen)
    if written and chosen in _SIDECAR_FORMATS:
        written += _write_sidecar(Path(path).with_suffix(".qml"), overwrite=overwrite)
    rows.raise_what_broke_off()
    return written


class _Rows:
    """The records of results; an error among them ends the rows and is kept for later."""

    def __init__(self, results: Iterable[PhotoResult], folder: Path) -> None:
        self._results = results
        self._folder = folder
        self._broke_off: BaseException | None = None
        self.count = 0

    def __iter__(self) -> Iterator[Record]:
        results = iter(self._results)
        while True:
            try:
                result = next(results)
            except StopIteration:
                return
            except (Exception, KeyboardInterrupt) as error:
                self._broke_off = error
                return
            self.count += 1
            relative = _relative_path(result.photo, self._folder)
            yield result_record(dataclasses.replace(result, photo_rel=relative))

    def is_void(self) -> bool:
        """Whether an error came before the first row, so that there is nothing to keep."""
        return self.count == 0 and self._broke_off is not None

    def raise_what_broke_off(self) -> None:
        """Let the kept error go on."""
        if self._broke_off is not None:
            raise self._broke_off


def _relative_path(photo: str, folder: Path) -> str | None:
    """The way from `folder` to `photo` with forward slashes; None across drives."""
    try:
        return Path(os.path.relpath(photo, folder)).as_posix()
    except ValueError:
        return None


def _write_file(rows: _Rows, path: Path, fmt: OutputFormat) -> list[Path]:
    """Write `rows` to `path` by way of a temporary name; nothing when there is nothing."""
    with replacing(path) as draft:
        if fmt in _TEXT_WRITERS:
            with draft.open("w", encoding="utf-8", newline="") as stream:
                _TEXT_WRITERS[fmt](rows, stream)
        else:
            records = list(rows)
            if not rows.is_void():
                _write_table(records, draft, fmt)
        if rows.is_void():
            draft.unlink(missing_ok=True)
            return []
    return [path]


def _write_sidecar(path: Path, *, overwrite: bool) -> list[Path]:
    """Write the style beside a result, unless a person's own is there."""
    if path.exists() and not overwrite:
        return []
    write_text(path, photo_style())
    return [path]


# --- text formats, written as the results come -----------------------------------------------


def _feature(record: Record) -> str:
    """`record` as one GeoJSON feature (RFC 7946)."""
    lon, lat = record["longitude"], record["latitude"]
    has_point = lon is not None and lat is not None
    point = {"type": "Point", "coordinates": [lon, lat]} if has_point else None
    feature = {"type": "Feature", "geometry": point, "properties": record}
    return json.dumps(feature, ensure_ascii=False, allow_nan=False)


def _write_geojson(rows: Iterable[Record], stream: _TextStream) -> None:
    """One FeatureCollection, a feature a line, no ``crs`` member (RFC 7946 section 4)."""
    stream.write('{"type": "FeatureCollection", "name": "photos", "features": [')
    for i, record in enumerate(rows):
        stream.write((",\n" if i else "\n") + _feature(record))
        stream.flush()
    stream.write("\n]}\n")


def _write_geojsonl(rows: Iterable[Record], stream: _TextStream) -> None:
    """A feature a line and nothing else, so that a reader need not wait for the end."""
    for record in rows:
        stream.write(_feature(record) + "\n")
        stream.flush()


def _write_csv(rows: Iterable[Record], stream: _TextStream) -> None:
    """A header and a line a photo; an empty cell is what is not known."""
    writer = csv.DictWriter(stream, [column.name for column in RESULT_COLUMNS], lineterminator="\n")
    writer.writeheader()
    for record in rows:
        writer.writerow(record)
        stream.flush()


_TEXT_WRITERS: dict[str, Callable[[Iterable[Record], _TextStream], None]] = {
    "geojson": _write_geojson,
    "geojsonl": _write_geojsonl,
    "csv": _write_csv,
}


def _write_table(records: list[Record], path: Path, fmt: OutputFormat) -> None:
    """Write one of the formats that are not text; geopandas is loaded only for them."""
    from geoloc.results import layers

    writers = {
        "gpkg": layers.write_gpkg,
        "fgb": layers.write_fgb,
        "parquet": layers.write_parquet,
    }
    writers[fmt](records, path)


# --- reading ---------------------------------------------------------------------------------


def read_results(path: str | Path) -> list[PhotoResult]:
    """The results that a file holds, in its order, in any format that `write_results` writes.

    Raises:
        InputError: The file is not there, cannot be read, or holds no results of ours.
        OptionError: The extension names no format.
    """
    source = Path(path)
    fmt = output_format(source)
    try:
        records = _READERS[fmt](source)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror or error}", path=source) from error
    except TableError as error:
        raise InputError(f"cannot read {source}: {error}", path=source) from error
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{source} is not a readable {fmt} file: {error}", path=source) from error
    return [_result_of(record, source) for record in records]


def _result_of(record: Mapping[str, Any], source: Path) -> PhotoResult:
    """One row as a `PhotoResult`; columns that are not ours are passed over."""
    if not record.get("photo") or record.get("status") not in get_args(Status):
        raise InputError(
            f"{source} holds no results of geoloc: expected the columns photo and status; "
            "give a file that `geoloc locate -o` wrote",
            path=source,
        )
    derived = {"filename", "directory"}
    values = {
        column.name: plain_value(_present(record.get(column.name)), column)
        for column in RESULT_COLUMNS
        if column.name not in derived
    }
    return PhotoResult(**values)  # type: ignore[arg-type]  # kinds follow RESULT_COLUMNS


def _present(value: Any) -> Any:
    """`value`, with the times that tables hold as ISO 8601 text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _read_geojson(path: Path) -> list[Record]:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [feature["properties"] for feature in features]


def _read_geojsonl(path: Path) -> list[Record]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line.lstrip("\x1e"))["properties"] for line in lines if line.strip()]


def _read_csv(path: Path) -> list[Record]:
    real = {column.name for column in RESULT_COLUMNS if column.kind == "real"}
    return [
        # A spreadsheet may have saved them again, with decimal commas.
        {name: parse_number(cell) if cell and name in real else cell for name, cell in row.items()}
        for _, row in read_table(path).rows
    ]


def _read_table(path: Path) -> list[Record]:
    from geoloc.results import layers

    if not path.is_file():
        raise FileNotFoundError(2, os.strerror(2))
    is_parquet = output_format(path) == "parquet"
    return layers.read_parquet(path) if is_parquet else layers.read_layer(path)


_READERS: dict[OutputFormat, Callable[[Path], list[Record]]] = {
    "geojson": _read_geojson,
    "geojsonl": _read_geojsonl,
    "gpkg": _read_table,
    "fgb": _read_table,
    "parquet": _read_table,
    "csv": _read_csv,
}
