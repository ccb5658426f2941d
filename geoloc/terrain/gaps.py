"""Gaps of a grid of heights: small ones are filled from around them, large ones stay unknown."""

from __future__ import annotations

import numpy as np
from rasterio.fill import fillnodata
from scipy import ndimage

from geoloc.arrays import Float64Array


def fill_small_gaps(grid: Float64Array, reach_cells: float) -> Float64Array:
    """The grid (R, C) with its small gaps filled, smoothly, from around them.

    A gap is small if no node of it is farther from known ground than `reach_cells`: water that
    gave a scanner no echo, say, however long the river.
    """
    gaps = ~np.isfinite(grid)
    if not gaps.any() or gaps.all():
        return grid
    away = ndimage.distance_transform_edt(gaps)
    labels, count = ndimage.label(gaps, np.ones((3, 3)))
    farthest = ndimage.maximum(away, labels, np.arange(count + 1))
    small = gaps & (farthest <= reach_cells)[labels]
    if not small.any():
        return grid
    filled = fillnodata(
        np.where(gaps, 0, grid).astype(np.float32),
        mask=~gaps,
        max_search_distance=4 * reach_cells,
        smoothing_iterations=2,
    )
    return np.where(small, filled, grid)
