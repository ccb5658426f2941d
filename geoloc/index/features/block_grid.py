"""Grid of blocks: the whole Earth in cells of about a kilometre, the same for every map.

Rows are 1/110 degree of latitude high; a row is cut into as many columns as make them as wide as
high. So a block depends on its place alone: maps that are built apart have the same blocks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike

from geoloc.arrays import AnyArray, Float64Array, Int64Array
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import in_range

_ROWS_PER_DEG = 110
_ROWS = 180 * _ROWS_PER_DEG
# Corners of a block lie about 715 m from its middle: more than this lies in no block.
FARTHEST_M = 800.0
# More than a metre has anywhere on the ellipsoid.
_DEG_A_METRE = 1 / 110_500
_LEAST_COSINE = 1e-3


class BlockId(NamedTuple):
    """A cell of the grid: rows from the south pole, columns from the antimeridian eastwards."""

    row: int
    col: int

    @property
    def name(self) -> str:
        """Name of its files, without an extension."""
        return f"{self.row:05d}-{self.col:05d}"

    @classmethod
    def of_name(cls, name: str) -> BlockId | None:
        """The block of such a name; None if it is none."""
        found = re.fullmatch(r"(\d{5})-(\d{5})", name)
        return cls(int(found[1]), int(found[2])) if found else None

    @property
    def frame(self) -> LocalFrame:
        """Metres east and north of its middle."""
        lat = (self.row + 0.5) / _ROWS_PER_DEG - 90
        lon = (self.col + 0.5) * 360 / int(_columns(np.array(self.row))) - 180
        return LocalFrame(LonLat(lon, lat))


def blocks_at(lon: ArrayLike, lat: ArrayLike) -> Int64Array:
    """Row and column (N, 2) of the block at each position in degrees."""
    lat, lon = np.asarray(lat, np.float64), in_range(lon)
    row = np.clip(np.floor((lat + 90) * _ROWS_PER_DEG), 0, _ROWS - 1).astype(np.int64)
    columns = _columns(row)
    col = np.minimum(np.floor((lon + 180) / 360 * columns), columns - 1).astype(np.int64)
    return np.stack([row, col], axis=-1)


def blocks_touching(shapes: AnyArray) -> list[set[BlockId]]:
    """The blocks that the bounds of each shape (N,) in degrees touch.

    Longitudes may be counted on beyond 180.
    """
    return [_in_bounds(*bounds) for bounds in shapely.bounds(shapes).reshape(-1, 4)]


def blocks_around(lon: float, lat: float, half_m: float) -> set[BlockId]:
    """The blocks that a square of the ground, of twice `half_m` metres a side, may touch."""
    reach_lat = half_m * _DEG_A_METRE
    reach_lon = reach_lat / max(np.cos(np.radians(lat)), _LEAST_COSINE)
    return _in_bounds(lon - reach_lon, lat - reach_lat, lon + reach_lon, lat + reach_lat)


def _in_bounds(west: float, south: float, east: float, north: float) -> set[BlockId]:
    found = set()
    rows = blocks_at([west, west], [south, north])[:, 0]
    for row in range(int(rows[0]), int(rows[1]) + 1):
        columns = int(_columns(np.array(row)))
        ends = np.floor((np.array([west, east]) + 180) / 360 * columns).astype(int)
        found |= {BlockId(row, col % columns) for col in range(ends[0], ends[1] + 1)}
    return found


def _columns(row: Int64Array) -> Int64Array:
    """Number of columns of each row."""
    middle: Float64Array = np.radians((row + 0.5) / _ROWS_PER_DEG - 90)
    return np.maximum(1, np.round(360 * _ROWS_PER_DEG * np.cos(middle))).astype(np.int64)
