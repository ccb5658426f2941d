"""Where the tiles of an index lie, as the posterior of street photos needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array, Int64Array, Mask
from geoloc.geometry.crs import LonLat, geocentric_m
from geoloc.locate.estimate import spread_m
from geoloc.models.card import ModelCard
from geoloc.tiles.tile_table import TileTable


@dataclass(frozen=True)
class TileMap:
    """Where the tiles of an index lie.

    Attributes:
        lon: (N,) longitudes of their centres, degrees.
        lat: (N,) latitudes of their centres, degrees.
        side_m: (N,) sides of the ground that the network sees most finely of each, metres.
    """

    lon: Float64Array
    lat: Float64Array
    side_m: Float64Array

    @classmethod
    def of(cls, tiles: TileTable, card: ModelCard) -> TileMap:
        """The tiles of an index, with the smallest crop that its network sees around each.

        Cells are much smaller than that: two that lie side by side show nearly the same.
        """
        crops = card.crops
        side_m = tiles.ground_size_m
        if crops is not None:
            side_m = np.maximum(side_m, crops.ground_sizes_m[0])
        return cls(tiles.lon, tiles.lat, side_m)

    def xyz_m(self, rows: Int64Array) -> Float64Array:
        """Centres (M, 3) of some, geocentric: distances are quick there, wherever they lie."""
        return geocentric_m(self.lon[rows], self.lat[rows])

    def is_near(self, row: int, rows: Int64Array) -> Mask:
        """Whether the centres of `rows` lie within a side of that of `row`."""
        away = np.linalg.norm(self.xyz_m(rows) - self.xyz_m(np.array([row])), axis=1)
        return np.asarray((away < self.side_m[row]) | (rows == row), np.bool_)

    def mean_position(self, rows: Int64Array, weights: Float64Array) -> LonLat:
        """The weighted mean of centres that lie side by side."""
        first = rows[0]
        # Near the antimeridian the next tile may lie almost 360 degrees away.
        east = (self.lon[rows] - self.lon[first] + 180) % 360 - 180
        lon = self.lon[first] + np.average(east, weights=weights)
        return LonLat(
            float((lon + 180) % 360 - 180), float(np.average(self.lat[rows], weights=weights))
        )

    def sd_m(self, rows: Int64Array, weights: Float64Array) -> float:
        """How far centres are spread around their weighted mean, metres along each axis."""
        return spread_m(self.xyz_m(rows), weights) / math.sqrt(2)
