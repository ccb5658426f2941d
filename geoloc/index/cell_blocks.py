"""Cells of a map in compact blocks, whose crops share ground, so that it is read once a block."""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array, Int64Array
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import near
from geoloc.index.ground_grid import GroundAxes
from geoloc.tiles.tile_table import TileTable

# Metres of a degree of latitude, roughly: to tell which side of a block is the longer.
_DEGREE_M = 111_000.0


def cell_blocks(
    tiles: TileTable, rows: Int64Array, *, most: int, side_m: float
) -> list[Int64Array]:
    """Rows of cells in blocks of one raster each; a block of its own stays one.

    Args:
        tiles: The cells.
        rows: (N,) rows of them, ascending.
        most: The most cells of a block.
        side_m: Its longest side, from centre to centre.

    Returns:
        The blocks, each ascending.
    """
    blocks = list[Int64Array]()
    for raster in np.unique(tiles.raster[rows]):
        blocks += _halved(tiles, rows[tiles.raster[rows] == raster], most, side_m)
    return blocks


def _halved(tiles: TileTable, rows: Int64Array, most: int, side_m: float) -> list[Int64Array]:
    """The cells in halves along the longer side, again and again, until the blocks are small."""
    lat = tiles.lat[rows]
    east_deg = near(tiles.lon[rows], tiles.lon[rows[0]])
    east_m = east_deg * _DEGREE_M * np.cos(np.radians(lat.mean()))
    sides_m = np.ptp(east_m), np.ptp(lat) * _DEGREE_M
    if len(rows) <= most and max(sides_m) <= side_m:
        return [rows]
    along = east_m if sides_m[0] >= sides_m[1] else lat
    order = np.argsort(along, kind="stable")
    halves = np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2 :])
    return [block for half in halves for block in _halved(tiles, rows[half], most, side_m)]


def axes_of(tiles: TileTable, rows: Int64Array, bearing_deg: float) -> GroundAxes:
    """Axes around the middle of some cells."""
    lon = near(tiles.lon[rows], tiles.lon[rows[0]])
    middle = LonLat(float(lon.min() + lon.max()) / 2, _middle(tiles.lat[rows]))
    return GroundAxes(LocalFrame(middle), bearing_deg)


def _middle(values: Float64Array) -> float:
    return float(values.min() + values.max()) / 2
