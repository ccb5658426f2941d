"""Area of the ground that tiles cover together, however they overlap."""

from __future__ import annotations

import numpy as np
import shapely

from geoloc.tiles.tile_table import TileTable

# Tiles that are looked at: the area of maps with overlapping tiles is good to a few percent.
_SAMPLED = 400


def map_area_m2(tiles: TileTable) -> float:
    """Area that the tiles of a map cover together, square metres.

    A map may have millions of tiles. So at a random place in each of a few hundred, evenly taken,
    it is counted how many hold the place; each of them owns that part of it.
    """
    finest = tiles.finest_rows()
    is_finest = np.zeros(len(tiles), bool)
    is_finest[finest] = True
    step = max(1, -(-len(finest) // _SAMPLED))
    rows = finest[step // 2 :: step]
    shares, rng = np.empty(len(rows)), np.random.default_rng(0)
    for n, footprint in enumerate(tiles.footprints(rows)):
        corner, right, _, down = shapely.get_coordinates(footprint)[:4]
        across, along = rng.uniform(size=2)
        lon, lat = (corner + across * (right - corner) + along * (down - corner)).tolist()
        shares[n] = 1 / max(1, is_finest[tiles.rows_at(lon, lat)].sum())
    return float((shares * tiles.ground_size_m[rows] ** 2).mean() * len(finest))
