"""Coordinate reference systems and true ground distances; the one module of transformers.

Coordinates are (x, y) = (lon, lat) everywhere, whatever the authority's axis order is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError

from geoloc.arrays import Float64Array
from geoloc.errors import CrsError
from geoloc.geometry.longitude import in_range

WGS84 = CRS.from_epsg(4326)
_GEOD = Geod(ellps="WGS84")

# Half of the base line, in metres or degrees, over which a scale is measured: long enough for
# 12 digits of a double, short enough for no projection to bend.
_STEP_PROJECTED = 10.0
_STEP_DEGREES = 1e-4


class LonLat(NamedTuple):
    """A position in degrees, WGS84."""

    lon: float
    lat: float


def as_crs(value: object) -> CRS:
    """A CRS from an EPSG code, a PROJ string, WKT or anything else that pyproj understands.

    Raises:
        CrsError: It is missing or unknown, or has no place on the Earth.
    """
    if value is None or value == "":
        raise CrsError("no CRS given; expected something like EPSG:32633", crs=value)
    try:
        crs = value if isinstance(value, CRS) else CRS.from_user_input(value)
    except CRSError as error:
        message = f"unknown CRS {_shorten(value)!r}; expected something like EPSG:32633 or WKT"
        raise CrsError(message, crs=value) from error
    if crs.is_engineering:
        message = f"the CRS {crs.name!r} is a local one without a place on the Earth"
        raise CrsError(f"{message}; georeference the data first", crs=value)
    return crs


def crs_text(crs: CRS) -> str:
    """The shortest text that `as_crs` turns back into `crs`: ``EPSG:n`` if exact, else WKT."""
    authority = crs.to_authority(min_confidence=100)
    if authority is not None:
        text = ":".join(authority)
        if CRS.from_user_input(text) == crs:
            return text
    return crs.to_wkt()


def transformer(source: object, target: object) -> Transformer:
    """A transformer between two CRS in (x, y) order, kept and shared by all threads.

    Raises:
        CrsError: A CRS is unknown, or there is no way from one to the other.
    """
    if not (isinstance(source, CRS) and isinstance(target, CRS)):
        return _transformer(as_crs(source), as_crs(target))
    key = (id(source), id(target))
    known = _by_identity.get(key)
    if known is None:
        if len(_by_identity) >= _MOST_KEPT:
            _by_identity.clear()
        kept = as_crs(source), as_crs(target)
        known = _by_identity[key] = (kept, _transformer(*kept))
    return known[1]


# By the identity of two CRS, which are kept so that it stays theirs: to compare what they say takes
# longer than to transform the corners of a tile.
_by_identity: dict[tuple[int, int], tuple[tuple[CRS, CRS], Transformer]] = {}
_MOST_KEPT = 256


@lru_cache(maxsize=256)
def _transformer(source: CRS, target: CRS) -> Transformer:
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except ProjError as error:
        message = f"no way from {source.name!r} to {target.name!r}"
        raise CrsError(f"{message}; warp the data to a common CRS first", crs=source) from error


@lru_cache(maxsize=256)
def local_metric_crs(origin: LonLat) -> CRS:
    """A CRS in metres with `origin` at (0, 0) and true north up there (azimuthal equidistant)."""
    return CRS.from_proj4(
        f"+proj=aeqd +lat_0={origin.lat:.10f} +lon_0={origin.lon:.10f} "
        "+datum=WGS84 +units=m +no_defs"
    )


@dataclass(frozen=True)
class LocalFrame:
    """Metres east and north of an origin; distances from it are true, others nearly so near it.

    Between degrees and metres it goes by geodesics, which are what the projection is made of: the
    blocks of a map have a frame each, and a transformer takes as long to make as a thousand points.
    """

    origin: LonLat

    @property
    def crs(self) -> CRS:
        """The CRS of the frame."""
        return local_metric_crs(LonLat(*self.origin))

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike) -> Float64Array:
        """Metres (N, 2) east and north of the origin, from degrees."""
        x, y = (np.atleast_1d(np.asarray(v, dtype=np.float64)).ravel() for v in (lon, lat))
        from_x, from_y = np.full_like(x, self.origin[0]), np.full_like(y, self.origin[1])
        azimuth, _, away = _GEOD.inv(from_x, from_y, x, y)
        angle = np.radians(azimuth)
        return np.column_stack([away * np.sin(angle), away * np.cos(angle)])

    def to_lonlat(self, xy_m: ArrayLike) -> Float64Array:
        """Degrees (N, 2) lon, lat, from metres (N, 2) east and north of the origin."""
        xy = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
        azimuth = np.degrees(np.arctan2(xy[:, 0], xy[:, 1]))
        from_x, from_y = (np.full(len(xy), degrees) for degrees in self.origin)
        lon, lat, _ = _GEOD.fwd(from_x, from_y, azimuth, np.hypot(xy[:, 0], xy[:, 1]))
        return np.column_stack([in_range(lon), lat])

    def from_crs(self, crs: object, xs: ArrayLike, ys: ArrayLike) -> Float64Array:
        """Metres (N, 2) east and north of the origin, straight from coordinates of `crs`."""
        return _transform(as_crs(crs), self.crs, xs, ys)


def to_lonlat(crs: object, xs: ArrayLike, ys: ArrayLike) -> Float64Array:
    """Degrees (N, 2) of coordinates in `crs`, lon in [-180, 180); infinite without an answer."""
    lonlat = _transform(as_crs(crs), WGS84, xs, ys)
    lonlat[:, 0] = in_range(lonlat[:, 0])  # maps in degrees may count from 0 to 360
    return lonlat


def from_lonlat(crs: object, lonlat: Float64Array) -> Float64Array:
    """Coordinates (N, 2) in `crs`, from degrees (N, 2); infinite without an answer."""
    return _transform(WGS84, as_crs(crs), lonlat[:, 0], lonlat[:, 1])


def _transform(source: CRS, target: CRS, xs: ArrayLike, ys: ArrayLike) -> Float64Array:
    """Transformed coordinates (N, 2)."""
    x = np.atleast_1d(np.asarray(xs, dtype=np.float64)).ravel()
    y = np.atleast_1d(np.asarray(ys, dtype=np.float64)).ravel()
    return np.column_stack(transformer(source, target).transform(x, y))


def distance_m(a: LonLat, b: LonLat) -> float:
    """The geodesic distance between two positions, in metres."""
    return float(_GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2])


def distances_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Float64Array:
    """Geodesic distances (N,) in metres between positions in degrees; scalars are repeated."""
    values = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    x1, y1, x2, y2 = (np.array(a) for a in np.broadcast_arrays(*values))
    return np.asarray(_GEOD.inv(x1, y1, x2, y2)[2], dtype=np.float64)


def offsets_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Float64Array:
    """Metres (N, 2) to the east and north, along the geodesic from the first to the second."""
    values = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    x1, y1, x2, y2 = (np.array(a) for a in np.broadcast_arrays(*values))
    azimuth_deg, _, length_m = _GEOD.inv(x1, y1, x2, y2)
    azimuth = np.radians(azimuth_deg)
    return np.asarray(np.column_stack([np.sin(azimuth), np.cos(azimuth)]) * length_m[:, None])


def geocentric_m(lon: ArrayLike, lat: ArrayLike) -> Float64Array:
    """Metres (N, 3) from the Earth's centre to positions in degrees, on the ellipsoid.

    Straight lines between these are as long as geodesics, to a millimetre within two kilometres.
    """
    x, y = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lon, lat))
    return np.column_stack(transformer(4979, 4978).transform(x, y, np.zeros_like(x)))


def ground_scales(crs: object, xs: ArrayLike, ys: ArrayLike) -> Float64Array:
    """True ground metres per CRS unit, (N, 2) along x and y; NaN where there is no answer.

    Measured with geodesics over a short base line, so it holds for every projection.
    """
    source = as_crs(crs)
    step = _STEP_DEGREES if source.is_geographic else _STEP_PROJECTED
    x, y = np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)
    return np.column_stack(
        [
            _base_line_m(source, (x - step, y), (x + step, y)) / (2 * step),
            _base_line_m(source, (x, y - step), (x, y + step)) / (2 * step),
        ]
    )


def _base_line_m(
    crs: CRS, start: tuple[Float64Array, Float64Array], end: tuple[Float64Array, Float64Array]
) -> Float64Array:
    """Geodesic lengths (N,) in metres of lines between points of `crs`."""
    a, b = to_lonlat(crs, *start), to_lonlat(crs, *end)
    known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    known &= (np.abs(a[:, 1]) <= 90) & (np.abs(b[:, 1]) <= 90)
    lengths = np.full(len(a), np.nan)
    lengths[known] = distances_m(a[known, 0], a[known, 1], b[known, 0], b[known, 1])
    return lengths


def _shorten(value: object, limit: int = 60) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
