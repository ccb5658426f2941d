"""Longitudes around the antimeridian: in [-180, 180), counted on beyond it, and outlines cut at it.

Bounds are those of RFC 7946: west is the greater number where they cross the antimeridian.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike

from geoloc.arrays import AnyArray, Float64Array

# Some maps and logs count to the east all around the Earth.
FARTHEST_DEG = 360.0

# Degrees; what is this much apart by rounding alone lies on one longitude.
_TINY_DEG = 1e-9


class LonLatBounds(NamedTuple):
    """Bounds in degrees; west > east where they cross the antimeridian."""

    west: float
    south: float
    east: float
    north: float


def in_range(lon: ArrayLike) -> Float64Array:
    """Longitudes in [-180, 180); those that lie there already keep every bit."""
    lon = np.asarray(lon, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # infinite where a projection has no answer
        turned = (lon + 180) % 360 - 180
        return np.where(np.isfinite(lon) & ((lon < -180) | (lon >= 180)), turned, lon)


def near(lon: ArrayLike, about: ArrayLike) -> Float64Array:
    """Longitudes counted such that each is within 180 degrees of `about`."""
    lon = np.asarray(lon, dtype=np.float64)
    counted: Float64Array = lon - 360 * np.round((lon - about) / 360)
    return counted


def bounds_of(shapes: AnyArray) -> LonLatBounds:
    """The smallest bounds of shapes (N,) in degrees, in whatever turn each is counted."""
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    first, last = _smallest_arc(west, east)
    return LonLatBounds(first, float(south.min()), last, float(north.max()))


def side_by_side(shapes: AnyArray) -> AnyArray:
    """Shapes (N,) in degrees, moved by whole turns so that neighbours lie beside each other.

    Longitudes are counted on from the west end of them all, beyond 180 if they cross that line.
    """
    if not len(shapes):
        return shapes
    west, _, east, _ = shapely.bounds(shapes).T
    first, _ = _smallest_arc(west, east)
    turns = np.floor((west - first + _TINY_DEG) / 360)
    moved = shapes.copy()
    for number in np.flatnonzero(turns).tolist():
        moved[number] = _moved(shapes[number], -360 * turns[number])
    return moved


def cut_at_antimeridian(outline: shapely.Polygon) -> shapely.Polygon | shapely.MultiPolygon:
    """An outline that may be counted beyond 180, in parts on each side of the line (RFC 7946)."""
    west, _, east, _ = outline.bounds
    if west >= -180 and east <= 180:
        return outline
    parts: list[shapely.Polygon] = []
    for turn in range(int((west + 180) // 360), int((east + 180) // 360) + 1):
        strip = shapely.box(360 * turn - 180, -91, 360 * turn + 180, 91)
        part = _moved(shapely.intersection(outline, strip), -360 * turn)
        pieces = shapely.get_parts(part)
        parts += [piece for piece in pieces if piece.geom_type == "Polygon" and not piece.is_empty]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _moved(shape: shapely.Geometry, degrees: float) -> shapely.Geometry:
    return shapely.transform(shape, partial(np.add, [degrees, 0]))


def _smallest_arc(west: Float64Array, east: Float64Array) -> tuple[float, float]:
    """West and east end of the shortest arc over all from `west` to `east` (N,), in [-180, 180].

    West is the greater number if the arc crosses the antimeridian.
    """
    start = in_range(west)
    end = np.where(start == west, east, start + (east - west))
    order = np.argsort(start, kind="stable")
    start, reached = start[order], np.maximum.accumulate(end[order])
    # The gap before each; the first one's lies across the antimeridian, and is taken if in doubt.
    gaps = start - np.concatenate([[reached[-1] - 360], reached[:-1]])
    after = int(np.argmax(gaps))
    if gaps[after] <= 0:
        return -180.0, 180.0
    last = float(reached[after - 1])
    return float(start[after]), last if last <= 180 else last - 360
