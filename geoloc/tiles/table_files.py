"""Write the two tables of a folder of tiles, ``tiles.parquet`` and ``tiles.gti.gpkg``.

They are read back before they serve, for libraries write short without a word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import DTypeLike

from geoloc import __version__
from geoloc.arrays import AnyArray, Float64Array
from geoloc.errors import ShortWriteError
from geoloc.geometry.crs import WGS84, as_crs
from geoloc.storage.atomic import replacing
from geoloc.tiles.footprint import in_own_crs
from geoloc.tiles.footprint_layer import FootprintLayer, read_column, write_layer
from geoloc.tiles.parquet_rows import GROUP_ROWS, ParquetRows
from geoloc.tiles.tile_set import MOSAIC, TILE_COLUMNS, TILES_TABLE
from geoloc.tiles.tile_table import GEOMETRY, polygons_of

_BOX = ("xmin", "ymin", "xmax", "ymax")
_KINDS: dict[str, pa.DataType] = {
    **dict.fromkeys(TILE_COLUMNS, pa.float64()),
    **dict.fromkeys(("tile_id", "location", "crs", "raster", "stretch"), pa.large_string()),
    **dict.fromkeys(("row", "col"), pa.int64()),
    "transform": pa.list_(pa.float64()),
    GEOMETRY: pa.large_binary(),
}
TABLE_SCHEMA = pa.schema(_KINDS.items())
_SCHEMA = TABLE_SCHEMA.append(
    pa.field("bbox", pa.struct([pa.field(side, pa.float64()) for side in _BOX]))
)
_LAYER = "tiles"


class Columns(Protocol):
    """A table by its columns: a mapping of names to values, or a GeoDataFrame."""

    def __iter__(self) -> Any:
        """The names of the columns."""

    def __getitem__(self, name: str, /) -> Any:
        """The values of a column."""


class RowBatches(Protocol):
    """Rows of a table that stays at rest."""

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns of all rows, in order, a bounded part at a time."""


def make_table(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of the table of tiles, from rows of `TILE_COLUMNS` and a ``geometry`` each."""
    return {name: [row[name] for row in rows] for name in (*TILE_COLUMNS, "geometry")}


def write_table(folder: Path, table: Columns, *, name: str = TILES_TABLE) -> None:
    """Write ``tiles.parquet`` as GeoParquet 1.1 with a bbox covering.

    Args:
        folder: The folder.
        table: Columns, of which ``geometry`` holds footprints in EPSG:4326.
        name: Name of the file.

    Raises:
        ShortWriteError: It does not hold every tile.
    """

    def check(draft: Path) -> None:
        with pq.ParquetFile(draft) as file:
            found = file.read(columns=["tile_id"])["tile_id"].to_pylist()
        _check_whole(folder / name, found, table["tile_id"])

    with replacing(folder / name, check=check) as draft:
        pq.write_table(_arrow_table(table), draft, row_group_size=GROUP_ROWS)


def write_rows(folder: Path, rows: RowBatches, *, name: str = TILES_TABLE) -> None:
    """Write the same file as `write_table` does, of rows of which a bounded part is in memory.

    Args:
        folder: The folder.
        rows: Rows of `TILE_COLUMNS` and footprints; they are read three times.
        name: Name of the file.

    Raises:
        ShortWriteError: It does not hold every tile.
    """

    def check(draft: Path) -> None:
        found, wanted = (_ids_of(each) for each in (ParquetRows(draft), rows))
        if found != wanted:
            raise _too_short(folder / name, found[0], wanted[0])

    sides = [shapely.total_bounds(polygons_of(part)) for part in rows.batches([GEOMETRY])]
    bounds = np.concatenate([np.min(sides, axis=0)[:2], np.max(sides, axis=0)[2:]])
    schema = _SCHEMA.with_metadata(_geo_metadata(bounds))
    with (
        replacing(folder / name, check=check) as draft,
        pq.ParquetWriter(draft, schema) as writer,
    ):
        for part in _row_groups(rows):
            writer.write_table(part.cast(schema))


def _row_groups(rows: RowBatches) -> Iterator[pa.Table]:
    """The table as GeoParquet has it, a row group at a time."""
    waiting = _SCHEMA.empty_table()
    for part in rows.batches((*TILE_COLUMNS, GEOMETRY)):
        boxes = _boxes(polygons_of(part))
        more = part.cast(TABLE_SCHEMA).append_column("bbox", boxes)
        waiting = pa.concat_tables([waiting, more])
        while len(waiting) >= GROUP_ROWS:
            yield waiting.slice(0, GROUP_ROWS).combine_chunks()
            waiting = waiting.slice(GROUP_ROWS)
    if len(waiting):
        yield waiting.combine_chunks()


def _ids_of(rows: RowBatches) -> tuple[int, str]:
    """Number and checksum of the names of tiles, in their order."""
    count, digest = 0, hashlib.sha256()
    for part in rows.batches(["tile_id"]):
        names = part["tile_id"].to_pylist()
        count += len(names)
        digest.update("".join(f"{name}\n" for name in names).encode())
    return count, digest.hexdigest()


def _arrow_table(table: Columns) -> pa.Table:
    """The table as GeoParquet has it."""
    polygons = np.asarray(table["geometry"], dtype=object)
    columns = {name: _column(list(table[name])) for name in table if name != GEOMETRY}
    columns[GEOMETRY] = _column(shapely.to_wkb(polygons).tolist())
    columns["bbox"] = _boxes(polygons)
    return pa.table(columns).replace_schema_metadata(_geo_metadata(shapely.total_bounds(polygons)))


def _boxes(polygons: AnyArray) -> pa.StructArray:
    """The column that covers the footprints."""
    sides = shapely.bounds(polygons).reshape(-1, 4).T
    boxes = [_plain_column(np.ascontiguousarray(side)) for side in sides]
    return pa.StructArray.from_arrays(boxes, names=_BOX)


def _column(values: Sequence[Any]) -> pa.Array:
    """A column of texts, bytes, numbers or lists of floats.

    It is put together from buffers: at the first list or array that pyarrow is given, it loads
    pandas, which takes longer than a small map takes to cut.
    """
    first = values[0] if values else ""
    if isinstance(first, str):
        return _column_of_bytes([text.encode() for text in values], pa.large_string())
    if isinstance(first, bytes):
        return _column_of_bytes(values, pa.large_binary())
    if isinstance(first, float | int):
        return _plain_column(np.asarray(values))
    lengths = [len(each) for each in values]
    flat = _plain_column(np.concatenate([np.asarray(each, np.float64) for each in values]))
    return pa.ListArray.from_arrays(_plain_column(_offsets(lengths, np.int32)), flat)


def _column_of_bytes(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    offsets = _offsets([len(value) for value in values], np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _plain_column(values: AnyArray) -> pa.Array:
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _offsets(lengths: Sequence[int], dtype: DTypeLike) -> AnyArray:
    """Where each value begins, and the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(dtype)


def _geo_metadata(bounds: Float64Array) -> dict[str, str]:
    """What GeoParquet says of its columns."""
    about = {
        "encoding": "WKB",
        "crs": WGS84.to_json_dict(),
        "geometry_types": ["Polygon"],
        "bbox": bounds.tolist(),
        "covering": {"bbox": {side: ["bbox", side] for side in _BOX}},
    }
    values = {
        "version": "1.1.0",
        "primary_column": GEOMETRY,
        "columns": {GEOMETRY: about},
        "creator": {"library": "geoloc", "version": __version__},
    }
    return {"geo": json.dumps(values)}


def write_mosaic(folder: Path, table: Columns) -> None:
    """Write ``tiles.gti.gpkg``: footprints for QGIS, and a mosaic for GDAL's GTI driver.

    Tiles of one CRS are indexed in it, so that the mosaic is not resampled; others in EPSG:4326.
    The finest tiles lie on top.

    Raises:
        ShortWriteError: It does not hold every footprint.
    """
    codes = set(table["crs"])
    crs = as_crs(next(iter(codes))) if len(codes) == 1 else WGS84
    polygons = np.asarray(table["geometry"], dtype=object)
    if len(codes) == 1:
        polygons = in_own_crs(polygons, crs, [transform[2] for transform in table["transform"]])
    columns = {name: list(table[name]) for name in TILE_COLUMNS}
    columns["transform"] = [json.dumps(list(values)) for values in columns["transform"]]
    layer = FootprintLayer(_LAYER, crs, polygons, columns, _mosaic_options(polygons, columns))

    def check(draft: Path) -> None:
        _check_whole(folder / MOSAIC, read_column(draft, _LAYER, "location"), table["location"])

    with replacing(folder / MOSAIC, check=check) as draft:
        write_layer(draft, layer)


def _mosaic_options(polygons: AnyArray, columns: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """What GDAL's GTI driver is told of the mosaic."""
    sizes_m = np.array(columns["ground_size_m"])
    west, south, east, north = shapely.bounds(polygons[sizes_m == sizes_m.min()]).T
    # The side of the tiles in pixels, from their ground size and metres per pixel.
    tile_px = max(1, round(float(np.median(sizes_m / np.array(columns["gsd_m"])))))
    return {
        "RESX": repr(float(np.median(east - west)) / tile_px),
        "RESY": repr(float(np.median(north - south)) / tile_px),
        "BAND_COUNT": "3",
        "DATA_TYPE": "Byte",
        "COLOR_INTERPRETATION": "Red,Green,Blue",
        "MASK_BAND": "YES",
        "LOCATION_FIELD": "location",
        "SORT_FIELD": "ground_size_m",
        "SORT_FIELD_ASC": "NO",
    }


def _check_whole(path: Path, found: list[str], expected: Iterable[str]) -> None:
    """Refuse a file that lacks rows."""
    wanted = list(expected)
    if found != wanted:
        raise _too_short(path, len(found), len(wanted))


def _too_short(path: Path, found: int, wanted: int) -> ShortWriteError:
    return ShortWriteError(
        f"{path}: {found} of {wanted} tiles are there after it was written; is its "
        "disk well? Run the same command again, what was done is kept",
        path=path,
    )
