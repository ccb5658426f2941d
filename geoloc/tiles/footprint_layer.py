"""Write footprints as a GeoPackage of one layer, with SQLite alone.

GDAL's writer of vectors comes with geopandas and pandas, which take longer to load than a small map
takes to cut. The tables are those that the GeoPackage standard (OGC 12-128, version 1.3) asks for.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from geoloc.arrays import AnyArray
from geoloc.geometry.crs import WGS84

_APPLICATION_ID = 0x47504B47
_VERSION = 10300
# A CRS without a number of EPSG gets one that EPSG does not give.
_FIRST_FREE_ID = 100_000
# Little-endian, with an envelope of four numbers.
_FLAGS = 0b011
_STANDARD_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT,
  definition_12_063 TEXT NOT NULL DEFAULT 'undefined');
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL UNIQUE REFERENCES gpkg_contents(table_name),
  column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL REFERENCES gpkg_spatial_ref_sys(srs_id),
  z TINYINT NOT NULL, m TINYINT NOT NULL, PRIMARY KEY (table_name, column_name));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
  scope TEXT NOT NULL, UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_metadata (
  id INTEGER PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  md_file_id INTEGER NOT NULL REFERENCES gpkg_metadata(id),
  md_parent_id INTEGER REFERENCES gpkg_metadata(id));
"""
_EXTENSIONS = (
    ("gpkg_metadata", None, "gpkg_metadata", "metadata", "read-write"),
    ("gpkg_metadata_reference", None, "gpkg_metadata", "metadata", "read-write"),
    ("gpkg_spatial_ref_sys", "definition_12_063", "gpkg_crs_wkt", "crs_wkt", "read-write"),
)
_INDEX_EXTENSION = ("geom", "gpkg_rtree_index", "rtree", "write-only")
_EXTENSION_PAGE = "http://www.geopackage.org/spec130/#extension_{}"
# How the index follows an edit, in the words of the standard's extension "RTree Spatial Indexes":
# the name of the trigger, its event, its condition, and whether an old and a new row are touched.
_IS_THERE = "(NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))"
_IS_NOT = "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
_TRIGGERS = (
    ("insert", "INSERT", _IS_THERE, "", True),
    ("update1", "UPDATE OF geom", f"OLD.fid = NEW.fid AND {_IS_THERE}", "", True),
    ("update2", "UPDATE OF geom", f"OLD.fid = NEW.fid AND {_IS_NOT}", "OLD.fid", False),
    ("update3", "UPDATE", f"OLD.fid != NEW.fid AND {_IS_THERE}", "OLD.fid", True),
    ("update4", "UPDATE", f"OLD.fid != NEW.fid AND {_IS_NOT}", "OLD.fid, NEW.fid", False),
    ("delete", "DELETE", "OLD.geom NOT NULL", "OLD.fid", False),
)
_SQL_TYPES = {str: "TEXT", float: "REAL", int: "INTEGER"}


@dataclass(frozen=True)
class FootprintLayer:
    """A layer of polygons.

    Attributes:
        name: Its name, a plain word.
        crs: CRS of the polygons.
        polygons: The polygons (N,).
        columns: Values of each column, N texts, floats or integers.
        metadata: What GDAL reads as the metadata of the layer.
    """

    name: str
    crs: CRS
    polygons: AnyArray
    columns: Mapping[str, Sequence[Any]]
    metadata: Mapping[str, str]


def write_layer(path: Path, layer: FootprintLayer) -> None:
    """Write a new GeoPackage of one layer.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # A draft that is renamed when it is whole needs no journal of its own.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.executescript(f"BEGIN; {_STANDARD_TABLES}")
        srs_id = _add_crs(database, layer.crs)
        _describe(database, layer, srs_id)
        _add_rows(database, layer, srs_id)
        _add_index(database, layer)
        database.execute("COMMIT")


def read_column(path: Path, layer: str, column: str) -> list[Any]:
    """The values of a column of a layer, in the order in which they were written.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f'SELECT "{column}" FROM "{layer}" ORDER BY fid')
        return [value for (value,) in found]


def _add_crs(database: sqlite3.Connection, crs: CRS) -> int:
    """Note the CRS, and those that every GeoPackage has; its number in this file."""
    undefined = ("undefined", "undefined")
    rows = [
        ("Undefined Cartesian SRS", -1, "NONE", -1, *undefined),
        ("Undefined geographic SRS", 0, "NONE", 0, *undefined),
        ("WGS 84 geodetic", 4326, "EPSG", 4326, *_definitions(WGS84)),
    ]
    who, text = crs.to_authority(min_confidence=100) or ("NONE", "")
    srs_id = int(text) if who == "EPSG" else _FIRST_FREE_ID
    number = int(text) if text.isdigit() else srs_id
    if srs_id != 4326:
        rows.append((crs.name, srs_id, who, number, *_definitions(crs)))
    database.executemany(
        "INSERT INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization, "
        "organization_coordsys_id, definition, definition_12_063) VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )
    return srs_id


def _definitions(crs: CRS) -> tuple[str, str]:
    """The CRS in the WKT that the standard wants, as far as that can say it, and in WKT 2."""
    try:
        old = crs.to_wkt("WKT1_GDAL")
    except CRSError:
        old = "undefined"
    return old, crs.to_wkt("WKT2_2015")


def _describe(database: sqlite3.Connection, layer: FootprintLayer, srs_id: int) -> None:
    """Fill the tables that say what is in the file."""
    name = layer.name
    bounds = shapely.total_bounds(layer.polygons).tolist()
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x, min_y, max_x, max_y,"
        " srs_id) VALUES (?, 'features', ?, ?, ?, ?, ?, ?)",
        (name, name, *bounds, srs_id),
    )
    database.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POLYGON', ?, 0, 0)", (name, srs_id)
    )
    for table, column, extension, page, scope in (*_EXTENSIONS, (name, *_INDEX_EXTENSION)):
        row = (table, column, extension, _EXTENSION_PAGE.format(page), scope)
        database.execute("INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", row)
    database.execute(
        "INSERT INTO gpkg_metadata VALUES (1, 'dataset', 'http://gdal.org', 'text/xml', ?)",
        (_metadata_xml(layer.metadata),),
    )
    database.execute(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) "
        "VALUES ('table', ?, 1)",
        (name,),
    )


def _metadata_xml(metadata: Mapping[str, str]) -> str:
    root = ElementTree.Element("GDALMultiDomainMetadata")
    domain = ElementTree.SubElement(root, "Metadata")
    for key, value in metadata.items():
        ElementTree.SubElement(domain, "MDI", key=key).text = value
    return ElementTree.tostring(root, encoding="unicode")


def _add_rows(database: sqlite3.Connection, layer: FootprintLayer, srs_id: int) -> None:
    columns = {name: f"{_SQL_TYPES[type(values[0])]}" for name, values in layer.columns.items()}
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    database.execute(
        f'CREATE TABLE "{layer.name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, '
        f"geom POLYGON, {declared})"
    )
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" * (1 + len(columns)))
    rows = zip(_blobs(layer.polygons, srs_id), *layer.columns.values(), strict=True)
    database.executemany(f'INSERT INTO "{layer.name}" (geom, {names}) VALUES ({places})', rows)


def _blobs(polygons: AnyArray, srs_id: int) -> Iterator[bytes]:
    """The polygons as a GeoPackage keeps them: a head with the envelope, and WKB."""
    shapes = shapely.to_wkb(polygons, byte_order=1)
    for (west, south, east, north), shape in zip(
        shapely.bounds(polygons).tolist(), shapes, strict=True
    ):
        head = struct.pack("<2sBBi4d", b"GP", 0, _FLAGS, srs_id, west, east, south, north)
        yield head + shape


def _add_index(database: sqlite3.Connection, layer: FootprintLayer) -> None:
    """The spatial index, and what keeps it right when somebody edits the layer."""
    index = f"rtree_{layer.name}_geom"
    database.execute(f'CREATE VIRTUAL TABLE "{index}" USING rtree(id, minx, maxx, miny, maxy)')
    boxes = shapely.bounds(layer.polygons)[:, [0, 2, 1, 3]].tolist()
    database.executemany(
        f'INSERT INTO "{index}" VALUES (?, ?, ?, ?, ?)',
        ((number, *box) for number, box in enumerate(boxes, start=1)),
    )
    sides = ", ".join(f"ST_{side}(NEW.geom)" for side in ("MinX", "MaxX", "MinY", "MaxY"))
    enter = f'INSERT OR REPLACE INTO "{index}" VALUES (NEW.fid, {sides});'
    for name, event, condition, gone, has_new in _TRIGGERS:
        leave = f'DELETE FROM "{index}" WHERE id IN ({gone});' if gone else ""
        database.execute(
            f'CREATE TRIGGER "{index}_{name}" AFTER {event} ON "{layer.name}" WHEN {condition} '
            f"BEGIN {leave} {enter if has_new else ''} END"
        )
