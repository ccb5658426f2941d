"""Web Mercator tiles: which of them show a place, and where their pixels lie.

Tiles are (column, row) of a zoom from the north-west corner of the world, 256 pixels a side, as
every map library of the web counts them. Columns past the antimeridian are counted on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array

TILE_PX = 256
_EQUATOR_M = 2 * math.pi * 6_378_137.0
_LAST_LAT = 85.05  # where the square world of Web Mercator ends


class Disc(NamedTuple):
    """A place with what lies around it.

    Attributes:
        lon: Longitude, degrees; may be counted on beyond 180.
        lat: Latitude, degrees.
        reach_m: Its radius, metres.
    """

    lon: float
    lat: float
    reach_m: float


def gsd_m(zoom: int, lat: float) -> float:
    """Metres on the ground a pixel."""
    return _EQUATOR_M * math.cos(math.radians(lat)) / (TILE_PX * math.pow(2, zoom))


def nearest_zoom(gsd: float, lat: float) -> int:
    """The zoom whose pixels are nearest to `gsd` metres."""
    return max(0, round(math.log2(gsd_m(0, lat) / gsd)))


def tiles_over(discs: Iterable[Disc], zoom: int) -> set[tuple[int, int]]:
    """The tiles of a zoom that touch any of the discs' squares."""
    found: set[tuple[int, int]] = set()
    for disc in discs:
        column, row = position(disc.lon, disc.lat, zoom)
        reach = disc.reach_m / (gsd_m(zoom, min(abs(disc.lat), _LAST_LAT)) * TILE_PX)
        columns = range(math.floor(column - reach), math.floor(column + reach) + 1)
        rows = range(max(0, math.floor(row - reach)), min(2**zoom - 1, math.floor(row + reach)) + 1)
        found.update((x, y) for x in columns for y in rows)
    return found


def position(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Column and row of a place, with their fractions."""
    sine = math.sin(math.radians(float(np.clip(lat, -_LAST_LAT, _LAST_LAT))))
    x = lon / 360 + 0.5
    y = 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return x * 2**zoom, y * 2**zoom


def lonlat_of(columns: Float64Array, rows: Float64Array, zoom: int) -> Float64Array:
    """Degrees (N, 2) of places given by their column and row (N,)."""
    lon = (columns / 2**zoom - 0.5) * 360
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * rows / 2**zoom))))
    return np.column_stack([lon, lat])
