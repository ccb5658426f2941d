"""The part of a service's map that an area needs: bounds in a CRS, pixels as fine as asked."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from geoloc.geometry.crs import ground_scales, transformer
from geoloc.tiles.sources.map_source import Box

_KNOTS = 9


class Bounds(NamedTuple):
    """West, south, east and north in units of a CRS."""

    west: float
    south: float
    east: float
    north: float


def bounds_in(crs: str, box: Box) -> Bounds:
    """The bounds of a box of degrees in another CRS."""
    lon, lat = np.meshgrid(
        np.linspace(box.west, box.east, _KNOTS),
        # Web Mercator ends there.
        np.clip(np.linspace(box.south, box.north, _KNOTS), -85.05, 85.05),
    )
    x, y = transformer("EPSG:4326", crs).transform(lon.ravel(), lat.ravel())
    return Bounds(float(min(x)), float(min(y)), float(max(x)), float(max(y)))


def pixel_units(crs: str, bounds: Bounds, gsd_m: float) -> tuple[float, float]:
    """Width and height, in units of the CRS, of what is `gsd_m` metres on the ground there."""
    x, y = (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2
    along_x, along_y = ground_scales(crs, [x], [y])[0]
    return gsd_m / float(along_x), gsd_m / float(along_y)


def whole_blocks(bounds: Bounds, pixel: tuple[float, float], block_px: int) -> Bounds:
    """The bounds made larger to whole blocks of a grid that all requests share."""
    width, height = (side * block_px for side in pixel)
    return Bounds(
        math.floor(bounds.west / width) * width,
        math.floor(bounds.south / height) * height,
        math.ceil(bounds.east / width) * width,
        math.ceil(bounds.north / height) * height,
    )
