"""Parts of a map that show next to nothing to compare photos with, and the rasters to look at."""

from __future__ import annotations

from typing import NamedTuple

from geoloc.index.features.feature_map import FeatureMap
from geoloc.tiles.tile_table import TileTable

# Fewer local features a tile than this: water and sand have tens, a picture of one grey has none.
_FEWEST_A_TILE = 3.0


class SparseRegion(NamedTuple):
    """A connected piece of a map with next to no local features."""

    rasters: tuple[str, ...]
    features: int
    tiles: int


def sparse_regions(features: FeatureMap, tiles: TileTable) -> list[SparseRegion]:
    """The regions of a map that hold hardly any local features for their tiles.

    Args:
        features: The features.
        tiles: The tiles that they were found on.
    """
    found = []
    for region, count in zip(features.regions, features.counts.tolist(), strict=True):
        number = tiles.count_of(region.rasters)
        if count < _FEWEST_A_TILE * number:
            found.append(SparseRegion(region.rasters, count, number))
    return found
