"""Results as layers and tables: GeoPackage, FlatGeobuf and GeoParquet.

These are written at once, unlike the text formats: their columns have one type each.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geoloc.options import OutputFormat
from geoloc.results.column_meanings import layer_columns
from geoloc.results.qgis_style import (
    candidate_style,
    footprint_style,
    photo_style,
    track_style,
)
from geoloc.results.schema import RESULT_COLUMNS, Record
from geoloc.results.track_lines import track_frame
from geoloc.results.track_members import members_of

# What each layer of a GeoPackage is, for the properties that QGIS shows of it.
_ABSTRACTS = {
    "photos": "Photos located by geoloc, a point each; without a point where none was found. The "
    "column status says how sure it is, ce90_m within how many metres; positions are in WGS84. "
    "What each column means stands in the table gpkg_data_columns, and in geoloc's page on output "
    "columns.",
    "footprints": "The ground that each located photo shows; photo_fid is the fid of its photo.",
    "candidates": "Places that compete for a photo, the likeliest first; photo_fid is the fid of "
    "its photo.",
    "tracks": "Flights and walks whose photos were located together, as lines with times.",
}
_SAME_DEG = 2e-7  # coordinates are rounded to 1e-7
# What these libraries raise when they cannot write a file.
WRITE_ERRORS = (OSError, RuntimeError, ValueError, sqlite3.Error)


def results_frame(records: Iterable[Record]) -> geopandas.GeoDataFrame:
    """`records` as a table of points in EPSG:4326, null where there is no answer."""
    rows = list(records)
    types = {"text": "object", "real": "float64"}
    columns: dict[str, Any] = {}
    for column in RESULT_COLUMNS:
        values = [row[column.name] for row in rows]
        if column.kind == "time":
            columns[column.name] = _times(values)
        else:
            dtype = types.get(column.kind, f"Int{column.bits}")
            columns[column.name] = pd.Series(values, dtype=dtype)
    points = [
        None if row["longitude"] is None else shapely.Point(row["longitude"], row["latitude"])
        for row in rows
    ]
    return geopandas.GeoDataFrame(columns, geometry=points, crs="EPSG:4326")


def _times(values: list[str | None]) -> Any:
    """ISO 8601 texts as one column of times: UTC if every one knows its zone, else wall clock.

    A column has one kind of time; cameras that do not know their zone are the common case.
    """
    times = [_parse_time(value) for value in values]
    known = [time for time in times if time is not None]
    if known and all(time.tzinfo for time in known):
        utc = [time and time.astimezone(UTC) for time in times]
        return pd.Series(utc, dtype="datetime64[ms, UTC]")
    wall = [time and time.replace(tzinfo=None) for time in times]
    return pd.Series(wall, dtype="datetime64[ms]")


def _parse_time(text: str | None) -> datetime | None:
    """The time that an ISO 8601 text names; None when it names none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def write_gpkg(records: list[Record], path: Path) -> None:
    """Layers ``photos`` and ``footprints`` that refers to it, and the style of each inside.

    Photos that were located in tracks have a layer ``tracks``, too, and those with several places
    that compete one of ``candidates``.
    """
    _write_layer(results_frame(records), path, driver="GPKG", layer="photos", SPATIAL_INDEX="YES")
    _write_layer(_related_footprints(records), path, driver="GPKG", layer="footprints")
    if members_of(records):
        _write_layer(track_frame(records), path, driver="GPKG", layer="tracks")
    if len(candidates := candidate_frame(records)):
        _write_layer(candidates, path, driver="GPKG", layer="candidates")
    layers = _layers(path)
    for layer in ("footprints", "candidates"):
        if layer in layers:
            _declare_relation(path, layer)
    _write_gpkg_styles(path, {name: style for name, style in _styles().items() if name in layers})
    _write_gpkg_meanings(path, layers)


def write_fgb(records: list[Record], path: Path) -> None:
    """One FlatGeobuf layer, without its spatial index.

    The index would sort the rows along a Hilbert curve and refuse null geometries.
    """
    frame = results_frame(records)
    _write_layer(frame, path, driver="FlatGeobuf", layer="photos", SPATIAL_INDEX="NO")


def write_parquet(records: list[Record], path: Path) -> None:
    """GeoParquet 1.1."""
    results_frame(records).to_parquet(path, index=False, write_covering_bbox=True)


def write_tracks(records: list[Record], path: Path, driver: str) -> None:
    """The lines of tracks as a file of their own; GeoJSON is cut at the antimeridian."""
    frame = track_frame(records)
    if driver == "Parquet":
        frame.to_parquet(path, index=False, write_covering_bbox=True)
        return
    options = {"RFC7946": "YES"} if driver == "GeoJSON" else {}
    _write_layer(frame, path, driver=driver, layer="tracks", **options)


def holds_tracks(path: Path, driver: str) -> bool:
    """Whether a file is one of tracks, by its columns."""
    try:
        frame = (
            geopandas.read_parquet(path) if driver == "Parquet" else pyogrio.read_dataframe(path)
        )
    except (*WRITE_ERRORS, KeyError, TypeError):
        return False
    return set(track_frame([]).columns) <= {*frame.columns, "geometry"}


def missing_from_gpkg(path: Path, records: list[Record]) -> str | None:
    """What a GeoPackage lacks beside its layer of photos; None if it is whole."""
    expected = sum(bool(record["footprint"]) for record in records)
    found = len(pyogrio.read_dataframe(path, layer="footprints"))
    if found != expected:
        return f"{found} of {expected} footprints are there"
    layers = _layers(path)
    if members_of(records) and "tracks" not in layers:
        return "its tracks are not there"
    competing = len(candidate_frame(records))
    if competing and len(pyogrio.read_dataframe(path, layer="candidates")) != competing:
        return "its candidates are not all there"
    with closing(sqlite3.connect(path)) as db:
        styles = dict(db.execute("SELECT f_table_name, styleQML FROM layer_styles"))
    expected_styles = {name: style for name, style in _styles().items() if name in layers}
    return None if styles == expected_styles else "its styles are not there"


def _layers(path: Path) -> set[str]:
    return {str(name) for name, _ in pyogrio.list_layers(path)}


def foreign_parts(path: Path) -> list[str]:
    """Layers and styles of a GeoPackage that are not ours."""
    ours = {"photos", "footprints", "tracks", "candidates", "layer_styles"}
    names = _layers(path)
    parts = [f"the layer {name}" for name in sorted(names - ours)]
    if "layer_styles" not in names:  # saved again by a program that keeps none
        return parts
    with closing(sqlite3.connect(path)) as db:
        styles = db.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchall()
    if any(style not in _styles().items() for style in styles):
        parts.append("a style")
    return parts


def count_moved(path: Path, fmt: OutputFormat) -> int:
    """How many points of a file lie elsewhere than its columns longitude and latitude say."""
    if fmt == "parquet":
        frame = geopandas.read_parquet(path)
    else:
        frame = geopandas.read_file(path, layer="photos" if fmt == "gpkg" else None)
    if not isinstance(frame, geopandas.GeoDataFrame):
        return 0  # no row has a point
    points = frame.geometry.to_numpy()
    found = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    # Where a person has deleted these columns, the points alone know.
    stated = frame.reindex(columns=["longitude", "latitude"]).to_numpy(float)
    same = np.isclose(found, stated, rtol=0, atol=_SAME_DEG, equal_nan=True)
    return int((~same.all(axis=1)).sum())


def _styles() -> dict[str, str]:
    """The style of each layer that a GeoPackage may have."""
    return {
        "photos": photo_style(),
        "footprints": footprint_style(),
        "tracks": track_style(),
        "candidates": candidate_style(),
    }


def _write_layer(
    frame: geopandas.GeoDataFrame, path: Path, *, driver: str, layer: str, **options: str
) -> None:
    """Write one layer with GDAL; a second one into the same file is added to it."""
    # Footprints across the antimeridian have two parts.
    has_parts = bool(frame.geom_type.eq("MultiPolygon").any())
    outline = "MultiPolygon" if has_parts else "Polygon"
    kind = {"footprints": outline, "tracks": "LineString"}.get(layer, "Point")
    if driver == "GPKG":
        options["DESCRIPTION"] = _ABSTRACTS[layer]
    frame.to_file(
        path,
        driver=driver,
        layer=layer,
        mode="w",
        engine="pyogrio",
        geometry_type=kind,  # of an empty layer, too
        promote_to_multi=has_parts,
        **options,
    )


def _related_footprints(records: list[Record]) -> geopandas.GeoDataFrame:
    """The footprints with the ``fid`` of their photo, which GDAL counts from 1."""
    fids = [fid for fid, record in enumerate(records, 1) if record["footprint"]]
    frame = footprint_frame(records)
    frame.insert(0, "photo_fid", np.array(fids, np.int64))
    return frame


def candidate_frame(records: list[Record]) -> geopandas.GeoDataFrame:
    """The places that compete for photos, the likeliest first, as points in EPSG:4326.

    Photos whose one place has no rival are left out.
    """
    rows = []
    for fid, record in enumerate(records, 1):
        places = json.loads(record["candidates"] or "[]")
        for rank, (lon, lat, probability, radius_m) in enumerate(places, 1):
            if len(places) > 1:
                rows.append((fid, record["photo"], rank, probability, radius_m, lon, lat))
    names = ("photo_fid", "photo", "rank", "probability", "ce90_m", "lon", "lat")
    frame = pd.DataFrame(rows, columns=list(names))
    points = geopandas.points_from_xy(frame.pop("lon"), frame.pop("lat"), crs="EPSG:4326")
    return geopandas.GeoDataFrame(frame, geometry=points)


@contextmanager
def _draft_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A draft to write to in one transaction.

    It has no journal: were the draft rolled back when it may not grow, nothing would tell why.
    """
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = OFF")
        with db:
            yield db


def _declare_relation(path: Path, layer: str) -> None:
    """Say that a row of a layer belongs to a photo by a foreign key, which GDAL and QGIS follow.

    GDAL writes none. That a constraint is added by changing the schema's text is SQLite's own
    advice (ALTER TABLE, "Making Other Kinds Of Table Schema Changes").
    """
    column = '"photo_fid" INTEGER'
    related = f'{column} REFERENCES "photos"("fid") ON DELETE CASCADE'
    with _draft_database(path) as db:
        (version,) = db.execute("PRAGMA schema_version").fetchone()
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ?",
            (column, related, layer),
        )
        db.execute(f"PRAGMA schema_version = {version + 1}")
        db.execute("PRAGMA writable_schema = OFF")


def footprint_frame(records: list[Record]) -> geopandas.GeoDataFrame:
    """The ground that the located photos show, as polygons in EPSG:4326."""
    rows = [row for row in records if row["footprint"]]
    names = ("photo", "filename", "status", "confidence", "heading")
    return geopandas.GeoDataFrame(
        {name: [row[name] for row in rows] for name in names},
        geometry=[shapely.from_wkt(row["footprint"]) for row in rows],
        crs="EPSG:4326",
    )


def _write_gpkg_styles(path: Path, styles: Mapping[str, str]) -> None:
    """Add the table ``layer_styles`` in which QGIS looks for a layer's default style."""
    with _draft_database(path) as db:
        db.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),"
            " f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,"
            " useAsDefault BOOLEAN, description TEXT(256), owner TEXT(30), ui TEXT(30),"
            " update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))"
        )
        db.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name,"
            " f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner)"
            " VALUES ('', '', ?, 'geom', 'geoloc', ?, '', 1, 'Written by geoloc', '')",
            styles.items(),
        )
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )


def _write_gpkg_meanings(path: Path, layers: set[str]) -> None:
    """Say what the columns mean, by the extension *Schema* of the GeoPackage standard."""
    rows = [
        (layer, column, meaning)
        for layer, columns in layer_columns().items()
        if layer in layers
        for column, meaning in columns.items()
    ]
    tables = ("gpkg_data_columns", "gpkg_data_column_constraints")
    with _draft_database(path) as db:
        db.execute(
            "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,"
            " name TEXT, title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT,"
            " CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),"
            " CONSTRAINT gdc_tn UNIQUE (table_name, name))"
        )
        db.execute(
            "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL,"
            " constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,"
            " max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,"
            " CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))"
        )
        db.executemany(
            "INSERT INTO gpkg_extensions (table_name, extension_name, definition, scope)"
            " VALUES (?, 'gpkg_schema',"
            " 'http://www.geopackage.org/spec121/#extension_schema', 'read-write')",
            [(table,) for table in tables],
        )
        db.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, description) VALUES (?, ?, ?)",
            rows,
        )


def read_layer(path: Path, fmt: OutputFormat) -> list[Record]:
    """The rows of a GeoPackage's layer of photos, or of a FlatGeobuf file."""
    layer = "photos" if fmt == "gpkg" else None
    frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
    return _frame_records(frame)


def read_parquet(path: Path) -> list[Record]:
    """The rows of a GeoParquet file."""
    return _frame_records(pd.read_parquet(path))


def _frame_records(frame: Any) -> list[Record]:
    """The rows of a table, with None for each of pandas' ways to say that there is nothing."""
    plain = frame.astype(object)
    return list(plain.where(frame.notna(), None).to_dict("records"))
