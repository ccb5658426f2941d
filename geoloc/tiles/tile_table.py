"""Table of tiles that stays at rest: only where the tiles lie is in memory, 36 bytes a tile.

Names, locations, transforms and footprints are ten times as much, and are read when rows are asked
for. Rows are found by place from centres and ground sizes, block by block; footprints decide only
among the few tiles that come into question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow
import shapely
from numpy.typing import ArrayLike

from geoloc.arrays import AnyArray, Float64Array, Int32Array, Int64Array, Mask
from geoloc.geometry.crs import distances_m
from geoloc.geometry.longitude import LonLatBounds, bounds_of, near

if TYPE_CHECKING:
    import geopandas

GEOMETRY = "geometry"

_PLACE_COLUMNS = ("lon", "lat", "ground_size_m", "gsd_m", "raster")
_BLOCK_ROWS = 4096
# Fewer metres than a degree spans anywhere, along a meridian and (times cos(lat)) across it.
_DEGREE_M = 110_000.0
# From a tile's centre to any point of it, in sides: half the diagonal, and room for projections.
_REACH_SIDES = 1.0


class TileRows(Protocol):
    """Where the rows of a table lie; safe to read from several threads."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, footprints as WKB among them."""

    def __len__(self) -> int: ...

    def read(self, rows: Int64Array, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of some rows, in the order of `rows`."""

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of all rows, in order, a bounded part at a time."""

    def touching(self, shapes: Sequence[shapely.Geometry]) -> Int64Array | None:
        """Rows whose footprints touch any of some shapes; None where no index of theirs knows."""


@dataclass(frozen=True)
class _Places:
    """Where tiles lie, and of which raster they are, in memory."""

    lon: Float64Array
    lat: Float64Array
    ground_size_m: Float64Array
    gsd_m: Float64Array
    raster: Int32Array
    rasters: tuple[str, ...]

    @classmethod
    def read(cls, rows: TileRows) -> _Places:
        numbers = {name: np.empty(len(rows), np.float64) for name in _PLACE_COLUMNS[:-1]}
        raster, codes, start = np.empty(len(rows), np.int32), dict[str, int](), 0
        for batch in rows.batches(_PLACE_COLUMNS):
            part = slice(start, start := start + batch.num_rows)
            for name, values in numbers.items():
                values[part] = batch[name].to_numpy()
            names = batch["raster"].combine_chunks().dictionary_encode()
            known = [codes.setdefault(name, len(codes)) for name in names.dictionary.to_pylist()]
            raster[part] = np.array(known, np.int32)[names.indices.to_numpy()]
        return cls(**numbers, raster=raster, rasters=tuple(codes))


class TileTable:
    """The tiles of a folder or an index, opened.

    Attributes:
        lon: (N,) longitudes of the centres, degrees.
        lat: (N,) latitudes of the centres, degrees.
        ground_size_m: (N,) sides on the ground, metres.
        gsd_m: (N,) metres a pixel.
        raster: (N,) number of the raster that each was cut from.
        rasters: Locations of the rasters, in the order in which they come.
    """

    def __init__(self, rows: TileRows) -> None:
        self._rows = rows
        places = _Places.read(rows)
        self.lon, self.lat = places.lon, places.lat
        self.ground_size_m, self.gsd_m = places.ground_size_m, places.gsd_m
        self.raster, self.rasters = places.raster, places.rasters
        self._blocks = _Blocks.of(places)

    def __len__(self) -> int:
        return len(self.lon)

    @property
    def ground_sizes_m(self) -> list[float]:
        """The sides that tiles have, ascending, in metres."""
        return [float(side) for side in np.unique(self.ground_size_m)]

    def take(self, rows: ArrayLike, columns: Sequence[str] = ()) -> geopandas.GeoDataFrame:
        """Some rows with their footprints, in the order of `rows`, numbered from 0.

        Args:
            rows: (M,) rows.
            columns: Columns beside the footprints; none is all.
        """
        wanted = columns or [name for name in self._rows.columns if name != GEOMETRY]
        return _frame(self._rows.read(np.asarray(rows, np.int64), [*wanted, GEOMETRY]))

    def subset(self, rows: ArrayLike) -> TileTable:
        """Some rows as a table of their own, in memory."""
        return TileTable(ArrowRows(self._rows.read(np.asarray(rows, np.int64), self._rows.columns)))

    def parts(
        self, columns: Sequence[str], rows: Int64Array | None = None
    ) -> Iterator[tuple[Int64Array, pyarrow.Table]]:
        """Some columns of some rows, in their order, a few thousand rows at a time.

        Args:
            columns: The columns; footprints are WKB.
            rows: (M,) rows, best ascending; None is all.
        """
        if rows is None:
            start = 0
            for batch in self._rows.batches(columns):
                yield np.arange(start, start := start + batch.num_rows, dtype=np.int64), batch
            return
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            yield some, self._rows.read(some, columns)

    def outlines(self, rows: Int64Array | None = None) -> Iterator[tuple[Int64Array, AnyArray]]:
        """Footprints of some rows, a few thousand rows at a time; see `footprints` and `parts`."""
        for some, batch in self.parts([GEOMETRY], rows):
            yield some, polygons_of(batch)

    def records(self, rows: ArrayLike, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Some columns of some rows, a dictionary each."""
        found: list[dict[str, Any]] = self._rows.read(
            np.asarray(rows, np.int64), columns
        ).to_pylist()
        return found

    def frame(self) -> geopandas.GeoDataFrame:
        """The whole table in memory."""
        parts = list(self._rows.batches(list(self._rows.columns)))
        return _frame(pyarrow.concat_tables(parts)) if parts else self.take([])

    def column(self, name: str) -> Iterator[Any]:
        """The values of one column, a bounded part in memory."""
        for batch in self._rows.batches([name]):
            yield from batch[name].to_pylist()

    def count_of(self, rasters: Sequence[str]) -> int:
        """How many tiles are of some rasters."""
        return int(self.is_of(rasters).sum())

    def is_of(self, rasters: Iterable[str]) -> Mask:
        """Which tiles (N,) are of some rasters."""
        return np.isin(self.raster, self._codes(rasters))

    def rows_of(self, raster: str) -> Int64Array:
        """Rows of the tiles of a raster, ascending."""
        return np.flatnonzero(self.is_of([raster]))

    def finest_rows(self, first: int | None = None) -> Int64Array:
        """Rows of the tiles of the finest ground size of their raster, ascending.

        Args:
            first: Look at the first so many rows only; None is all.
        """
        sides_m, raster = self.ground_size_m[:first], self.raster[:first]
        finest = np.full(len(self.rasters), np.inf)
        np.minimum.at(finest, raster, sides_m)
        return np.flatnonzero(sides_m == finest[raster])

    def rows_within(
        self, lon: float, lat: float, distance_m: float, *, sides: float = 0.0
    ) -> Int64Array:
        """Rows of the tiles whose centres lie near a place, ascending.

        Args:
            lon: Longitude of the place, degrees.
            lat: Its latitude.
            distance_m: Greatest distance of a centre, in metres.
            sides: So many sides of the tile are added to it.
        """
        largest_m = float(self.ground_size_m.max(initial=0.0))
        rows = self._rows.touching(_boxes_around(lon, lat, distance_m + sides * largest_m))
        if rows is None:
            rows = self._blocks.rows_in_reach(lon, lat, distance_m, sides)
        away = distances_m(lon, lat, self.lon[rows], self.lat[rows])
        return rows[away <= distance_m + sides * self.ground_size_m[rows]]

    def footprints(self, rows: ArrayLike) -> AnyArray:
        """(M,) footprints of some rows, counted on beyond 180 across the antimeridian."""
        return polygons_of(self._rows.read(np.asarray(rows, np.int64), [GEOMETRY]))

    def bounds(self) -> LonLatBounds:
        """The smallest bounds of all footprints."""
        return bounds_of(self.reach())

    def reach(self, rows: Int64Array | None = None) -> AnyArray:
        """A few boxes in degrees (B,) that reach as far as the footprints of some rows.

        They leave open the gaps between longitudes; None is all rows.
        """
        return np.concatenate([_boxes_over(some) for _, some in self.outlines(rows)])

    def rows_at(self, lon: float, lat: float) -> Int64Array:
        """Rows of the tiles whose footprints hold a place, ascending."""
        # A tile across the antimeridian is counted beyond 180.
        places = shapely.points([lon, lon + 360, lon - 360], lat)
        found = self._rows.touching(places.tolist())
        if found is not None:
            return found
        nearby = self.rows_within(lon, lat, 0.0, sides=_REACH_SIDES)
        footprints = self.footprints(nearby)
        holds: Mask = shapely.intersects(footprints[:, None], places).any(axis=1)
        return nearby[holds]

    def _codes(self, rasters: Iterable[str]) -> list[int]:
        wanted = set(rasters)
        return [code for code, name in enumerate(self.rasters) if name in wanted]


class ArrowRows:
    """Rows in memory; safe to read from several threads."""

    def __init__(self, table: pyarrow.Table) -> None:
        self._table = table

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, footprints as WKB among them."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def read(self, rows: Int64Array, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of some rows, in the order of `rows`."""
        return self._table.select(list(columns)).take(rows)

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Some columns of all rows, in order, a bounded part at a time."""
        for start in range(0, len(self), _BLOCK_ROWS):
            yield self._table.select(list(columns)).slice(start, _BLOCK_ROWS)

    def touching(self, shapes: Sequence[shapely.Geometry]) -> None:
        """Nothing: there is no index of the footprints."""


class TileRecords(Sequence[dict[str, Any]]):
    """The rows of a table that stays at rest, read one by one."""

    def __init__(self, tiles: TileTable, columns: Sequence[str]) -> None:
        self._tiles = tiles
        self._columns = columns

    def __len__(self) -> int:
        return len(self._tiles)

    def __getitem__(self, i: int) -> dict[str, Any]:  # type: ignore[override] # no slices
        return self._tiles.records([i], self._columns)[0]

    def of(self, raster: str) -> Iterator[dict[str, Any]]:
        """The rows of a raster, a bounded part in memory."""
        rows = self._tiles.rows_of(raster)
        for start in range(0, len(rows), _BLOCK_ROWS):
            yield from self._tiles.records(rows[start : start + _BLOCK_ROWS], self._columns)

    def rasters_of_windows(self) -> set[str]:
        """The rasters whose windows tiles are: these lie at their raster."""
        pairs = zip(self._tiles.column("location"), self._tiles.column("raster"), strict=True)
        return {raster for location, raster in pairs if location == raster}


@dataclass(frozen=True)
class _Blocks:
    """Bounds of the centres of every few thousand rows, so that few rows are compared.

    Attributes:
        places: The tiles.
        bounds: (B, 4) west, south, east, north of the centres of each block.
        largest_m: (B,) the largest side in each block, metres.
    """

    places: _Places
    bounds: Float64Array
    largest_m: Float64Array

    @classmethod
    def of(cls, places: _Places) -> _Blocks:
        if not len(places.lon):
            return cls(places, np.zeros((0, 4)), np.zeros(0))
        starts = np.arange(0, len(places.lon), _BLOCK_ROWS)
        bounds = [
            np.minimum.reduceat(places.lon, starts),
            np.minimum.reduceat(places.lat, starts),
            np.maximum.reduceat(places.lon, starts),
            np.maximum.reduceat(places.lat, starts),
        ]
        largest_m = np.maximum.reduceat(places.ground_size_m, starts)
        return cls(places, np.stack(bounds, axis=1), largest_m)

    def rows_in_reach(self, lon: float, lat: float, distance_m: float, sides: float) -> Int64Array:
        """Rows of all tiles that may lie in reach of a place, and of few others."""
        reach_m = distance_m + sides * self.largest_m
        high, wide = reach_m / _DEGREE_M, _degrees_wide(reach_m, lat)
        west, south, east, north = self.bounds.T
        beside = np.zeros(len(self.bounds), bool)
        for turn in (-360, 0, 360):
            beside |= (west - wide <= lon + turn) & (lon + turn <= east + wide)
        hit = np.flatnonzero(beside & (south - high <= lat) & (lat <= north + high))
        count = len(self.places.lon)
        spans = [
            np.arange(block * _BLOCK_ROWS, min((block + 1) * _BLOCK_ROWS, count), dtype=np.int64)
            for block in hit.tolist()
        ]
        rows = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        block = rows // _BLOCK_ROWS
        is_near = np.abs(self.places.lat[rows] - lat) <= high[block]
        is_near &= np.abs(near(self.places.lon[rows], lon) - lon) <= wide[block]
        return rows[is_near]


def _boxes_around(lon: float, lat: float, reach_m: float) -> list[shapely.Geometry]:
    """Boxes that hold all places in reach of one, in each turn that footprints are counted in."""
    (wide,), high = _degrees_wide(np.array([reach_m]), lat).tolist(), reach_m / _DEGREE_M
    return [
        shapely.box(lon + turn - wide, lat - high, lon + turn + wide, lat + high)
        for turn in (-360, 0, 360)
    ]


def _degrees_wide(reach_m: Float64Array, lat: float) -> Float64Array:
    """Degrees of longitude that a reach spans at most, around a latitude."""
    farthest = np.abs(lat) + reach_m / _DEGREE_M
    wide = np.full(len(reach_m), 360.0)
    fine = farthest < 89.0
    shrunk = np.cos(np.radians(farthest[fine]))
    wide[fine] = np.minimum(360.0, reach_m[fine] / (_DEGREE_M * shrunk))
    return wide


def polygons_of(table: pyarrow.Table) -> AnyArray:
    """Footprints (N,) of a table that holds them as WKB."""
    wkb = table[GEOMETRY].to_numpy(zero_copy_only=False)
    return np.asarray(shapely.from_wkb(wkb), object)


def _boxes_over(shapes: AnyArray) -> AnyArray:
    """Boxes that hold some shapes, as few as leave the gaps between their longitudes open."""
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    order = np.argsort(west)
    west, reached = west[order], np.maximum.accumulate(east[order])
    after = np.flatnonzero(np.append(west[1:] > reached[:-1], True))
    before = np.concatenate([[0], after[:-1] + 1])
    return np.asarray(shapely.box(west[before], south.min(), reached[after], north.max()))


def _frame(table: pyarrow.Table) -> geopandas.GeoDataFrame:
    import geopandas  # only here: it takes half a second, and who cuts tiles needs none of it

    frame = table.drop_columns([GEOMETRY]).to_pandas()
    return geopandas.GeoDataFrame(frame, geometry=polygons_of(table), crs="EPSG:4326")
