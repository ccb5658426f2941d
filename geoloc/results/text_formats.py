"""Results as text: GeoJSON, GeoJSON lines and CSV, written as the rows come, and read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from geoloc.csv_table import is_blank, parse_number, read_table
from geoloc.results.schema import RESULT_COLUMNS, Record

# What a journal's name ends with (see `geoloc.results.journal`).
JOURNAL_SUFFIX = ".partial.geojsonl"


class _TextStream(Protocol):
    """What the text formats are written to."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


def feature_line(record: Record, **members: Any) -> str:
    """`record` as one GeoJSON feature (RFC 7946), with further members of our own."""
    lon, lat = record["longitude"], record["latitude"]
    has_point = lon is not None and lat is not None
    point = {"type": "Point", "coordinates": [lon, lat]} if has_point else None
    feature = {"type": "Feature", "geometry": point, "properties": record, **members}
    return json.dumps(feature, ensure_ascii=False, allow_nan=False)


def _write_geojson(rows: Iterable[Record], stream: _TextStream) -> None:
    """One FeatureCollection, a feature a line, no ``crs`` member (RFC 7946 section 4)."""
    stream.write('{"type": "FeatureCollection", "name": "photos", "features": [')
    for i, record in enumerate(rows):
        stream.write((",\n" if i else "\n") + feature_line(record))
        stream.flush()
    stream.write("\n]}\n")
    stream.flush()


def _write_geojsonl(rows: Iterable[Record], stream: _TextStream) -> None:
    """A feature a line and nothing else, so that a reader need not wait for the end."""
    for record in rows:
        stream.write(feature_line(record) + "\n")
        stream.flush()


def _write_csv(rows: Iterable[Record], stream: _TextStream) -> None:
    """A header and a line a photo; an empty cell is what is not known."""
    writer = csv.DictWriter(stream, [column.name for column in RESULT_COLUMNS], lineterminator="\n")
    writer.writeheader()
    for record in rows:
        writer.writerow(record)
        stream.flush()


TEXT_WRITERS: dict[str, Callable[[Iterable[Record], _TextStream], None]] = {
    "geojson": _write_geojson,
    "geojsonl": _write_geojsonl,
    "csv": _write_csv,
}


def _read_geojson(path: Path) -> list[Record]:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [feature["properties"] for feature in features]


def _read_geojsonl(path: Path) -> list[Record]:
    data = path.read_bytes()
    if path.name.endswith(JOURNAL_SUFFIX):  # the last line of a killed run may be cut off
        data = data[: data.rfind(b"\n") + 1]
    lines = data.decode("utf-8").split("\n")
    return [json.loads(line.lstrip("\x1e"))["properties"] for line in lines if line.strip()]


def _read_csv(path: Path) -> list[Record]:
    real = {column.name for column in RESULT_COLUMNS if column.kind == "real"}
    return [
        # A spreadsheet may have saved them again, with decimal commas.
        {name: _number(cell) if name in real else cell for name, cell in row.items()}
        for _, row in read_table(path).rows
    ]


TEXT_READERS: dict[str, Callable[[Path], list[Record]]] = {
    "geojson": _read_geojson,
    "geojsonl": _read_geojsonl,
    "csv": _read_csv,
}


def _number(cell: str) -> float | None:
    return None if is_blank(cell) else parse_number(cell)
