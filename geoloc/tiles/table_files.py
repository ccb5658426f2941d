"""Write the two tables of a folder of tiles, ``tiles.parquet`` and ``tiles.gti.gpkg``.

They are read back before they serve, for libraries write short without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import DTypeLike

from geoloc import __version__
from geoloc.arrays import AnyArray
from geoloc.errors import ShortWriteError
from geoloc.geometry.crs import WGS84, as_crs
from geoloc.storage.atomic import replacing
from geoloc.tiles.footprint import in_own_crs
from geoloc.tiles.footprint_layer import FootprintLayer, read_column, write_layer
from geoloc.tiles.parquet_rows import GROUP_ROWS
from geoloc.tiles.tile_set import MOSAIC, TILE_COLUMNS, TILES_TABLE

_BOX = ("xmin", "ymin", "xmax", "ymax")
_LAYER = "tiles"


class Columns(Protocol):
    """A table by its columns: a mapping of names to values, or a GeoDataFrame."""

    def __iter__(self) -> Any:
        """The names of the columns."""

    def __getitem__(self, name: str, /) -> Any:
        """The values of a column."""


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


def _arrow_table(table: Columns) -> pa.Table:
    """The table as GeoParquet has it."""
    polygons = np.asarray(table["geometry"], dtype=object)
    columns = {name: _column(list(table[name])) for name in table if name != "geometry"}
    columns["geometry"] = _column(shapely.to_wkb(polygons).tolist())
    sides = shapely.bounds(polygons).reshape(-1, 4).T
    boxes = [_plain_column(np.ascontiguousarray(side)) for side in sides]
    columns["bbox"] = pa.StructArray.from_arrays(boxes, names=_BOX)
    return pa.table(columns).replace_schema_metadata({"geo": json.dumps(_geo_metadata(polygons))})


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


def _geo_metadata(polygons: AnyArray) -> dict[str, Any]:
    """What GeoParquet says of its columns."""
    about = {
        "encoding": "WKB",
        "crs": WGS84.to_json_dict(),
        "geometry_types": ["Polygon"],
        "bbox": shapely.total_bounds(polygons).tolist(),
        "covering": {"bbox": {side: ["bbox", side] for side in _BOX}},
    }
    return {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": about},
        "creator": {"library": "geoloc", "version": __version__},
    }


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
        raise ShortWriteError(
            f"{path}: {len(found)} of {len(wanted)} tiles are there after it was written; is its "
            "disk well? Run the same command again, what was done is kept",
            path=path,
        )
