"""Footprints of tiles: their corners in degrees, beyond 180 where a tile crosses that line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import shapely
from affine import Affine
from pyproj import CRS

from geoloc.arrays import AnyArray, Float64Array
from geoloc.geometry.crs import from_lonlat, to_lonlat
from geoloc.tiles.grid import RasterFrame, TileWindow

# What is seen of a tile may be a line: a polygon of this width then.
_SLIVER_DEG = 1e-7


def window_polygons(frame: RasterFrame, windows: Sequence[TileWindow], size_px: int) -> AnyArray:
    """The footprints (N,) of tiles in degrees, counter-clockwise."""
    return _polygons(frame, [window.transform(frame, size_px) for window in windows], size_px)


def window_centres(frame: RasterFrame, windows: Sequence[TileWindow], size_px: int) -> Float64Array:
    """Longitude in [-180, 180) and latitude (N, 2) of the middles of tiles."""
    transforms = [window.transform(frame, size_px) for window in windows]
    xs = [transform.c + transform.a * (size_px / 2) for transform in transforms]
    ys = [transform.f + transform.e * (size_px / 2) for transform in transforms]
    centres = to_lonlat(frame.crs, xs, ys)
    centres[:, 0] = (centres[:, 0] + 180) % 360 - 180
    return centres


def in_own_crs(footprints: AnyArray, crs: CRS, wests: Sequence[float]) -> AnyArray:
    """Footprints (N,) in the CRS of their tiles, and in the turn in which a map in degrees counts.

    Args:
        footprints: Footprints (N,) in degrees.
        crs: CRS of the tiles.
        wests: Where each tile begins, in that CRS.
    """
    moved: AnyArray = shapely.transform(footprints, partial(from_lonlat, crs))
    if not crs.is_geographic:
        return moved
    turns = np.round((np.asarray(wests) - shapely.bounds(moved)[:, 0]) / 360)
    for i in np.flatnonzero(turns).tolist():
        moved[i] = shapely.transform(moved[i], partial(np.add, [360 * turns[i], 0]))
    return moved


def _polygons(frame: RasterFrame, transforms: Sequence[Affine], size_px: int) -> AnyArray:
    """Footprints (N,) of tiles of `size_px` pixels a side."""
    corners = _counted_on(_net(frame, transforms, size_px, count=2)[:, [0, 2, 3, 1]])
    whole = np.isfinite(corners).all(axis=(1, 2))
    polygons: AnyArray = np.empty(len(transforms), dtype=object)
    polygons[whole] = shapely.polygons(corners[whole])
    if not whole.all():
        limb = [transforms[i] for i in np.flatnonzero(~whole).tolist()]
        polygons[~whole] = _visible_parts(frame, limb, size_px)
    return polygons


def _visible_parts(frame: RasterFrame, transforms: Sequence[Affine], size_px: int) -> AnyArray:
    """Footprints (N,) of tiles with corners beyond the edge of the Earth's picture."""
    net = _net(frame, transforms, size_px, count=9)
    seen = [_counted_on(points[np.isfinite(points).all(axis=1)][None])[0] for points in net]
    hulls = shapely.convex_hull(np.array([shapely.MultiPoint(points) for points in seen]))
    parts: AnyArray = shapely.buffer(hulls, _SLIVER_DEG, quad_segs=1)
    return parts


def _net(
    frame: RasterFrame, transforms: Sequence[Affine], size_px: int, *, count: int
) -> Float64Array:
    """Degrees (N, count * count, 2) of positions spread over tiles, row by row from the corner."""
    steps = np.linspace(0, size_px, count)
    cols, rows = (axis.ravel() for axis in np.meshgrid(steps, steps))
    xs = np.array([t.c + t.a * cols for t in transforms])
    ys = np.array([t.f + t.e * rows for t in transforms])
    return to_lonlat(frame.crs, xs, ys).reshape(-1, count * count, 2)


def _counted_on(positions: Float64Array) -> Float64Array:
    """Positions (N, P, 2) in degrees; beyond 180 where a tile lies across the antimeridian."""
    lon = positions[..., 0]
    if not lon.size:
        return positions
    with np.errstate(invalid="ignore"):  # corners beyond the edge of the Earth's picture
        across = np.ptp(lon, axis=1) > 180
    lon[across[:, None] & (lon < 0)] += 360
    return positions
