"""Parts of a map that show next to nothing to compare photos with, and the rasters to look at."""

from __future__ import annotations

from typing import NamedTuple

import geopandas
import numpy as np

from geoloc.index.features.feature_map import FeatureMap

# Fewer local features a tile than this: water and sand have tens, a picture of one grey has none.
_FEWEST_A_TILE = 3.0


class SparseRegion(NamedTuple):
    """A connected piece of a map with next to no local features."""

    rasters: tuple[str, ...]
    features: int
    tiles: int


def sparse_regions(features: FeatureMap, tiles: geopandas.GeoDataFrame) -> list[SparseRegion]:
    """The regions of a map that hold hardly any local features for their tiles.

    Args:
        features: The features.
        tiles: The table of tiles that they were found on.
    """
    counts = np.bincount(features.region, minlength=len(features.regions)).tolist()
    found = []
    for region, count in zip(features.regions, counts, strict=True):
        number = int(tiles["raster"].isin(region.rasters).sum())
        if count < _FEWEST_A_TILE * number:
            found.append(SparseRegion(region.rasters, count, number))
    return found
