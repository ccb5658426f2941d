"""The grid of a warped photo: its CRS, its pixels on the ground, and what it covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from pyproj import CRS

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError
from geoloc.geometry.crs import LonLat, as_crs, from_lonlat, ground_scales
from geoloc.geometry.longitude import near
from geoloc.ortho.view import PhotoView

# More is a slip of the pen, or a horizon.
_MOST_PX = 4_000_000_000
# A unit that is this near a metre of ground is taken for one: half a metre is 0.5 in UTM.
_NEAR_METRE = 0.01
_POLAR_NORTH_DEG, _POLAR_SOUTH_DEG = 84.0, -80.0


@dataclass(frozen=True)
class WarpGrid:
    """Where the pixels of a warped photo lie.

    Attributes:
        crs: The CRS.
        transform: From pixel corners to the CRS, north up.
        width_px: Number of columns.
        height_px: Number of rows.
        gsd_m: Side of a pixel on the ground, metres.
    """

    crs: CRS
    transform: Affine
    width_px: int
    height_px: int
    gsd_m: float

    def centres(self, columns: Float64Array, rows: Float64Array) -> Float64Array:
        """Coordinates (len(rows) * len(columns), 2) of pixel centres, row by row."""
        x = self.transform.c + (columns + 0.5) * self.transform.a
        y = self.transform.f + (rows + 0.5) * self.transform.e
        across, down = np.meshgrid(x, y)
        return np.column_stack([across.ravel(), down.ravel()])


def utm_crs(position: LonLat) -> CRS:
    """The zone of UTM around a position in WGS84; UPS near the poles."""
    if position.lat >= _POLAR_NORTH_DEG:
        return as_crs("EPSG:32661")
    if position.lat < _POLAR_SOUTH_DEG:
        return as_crs("EPSG:32761")
    return as_crs(f"EPSG:{(32600 if position.lat >= 0 else 32700) + utm_zone(position.lon)}")


def utm_zone(lon: float) -> int:
    """The number of the zone of UTM, 1 to 60, around a longitude in degrees."""
    return int((lon + 180) // 6) % 60 + 1


def warp_grid(view: PhotoView, crs: CRS, gsd_m: float | None = None) -> WarpGrid:
    """The grid of a photo, its pixels on whole multiples of their size.

    Args:
        view: The photo over the ground.
        crs: The CRS of the grid.
        gsd_m: Side of a pixel on the ground; None takes the photo's own in its middle.

    Raises:
        PhotoError: The photo shows no ground, lies where the CRS has no answer, or would become
            too large.
    """
    xy = outline_in(view, crs)
    gsd_m = gsd_m or _rounded(view.gsd_m())
    low, high = xy.min(axis=0), xy.max(axis=0)
    middle = (low + high) / 2
    is_there = bool(np.isfinite(xy).all())
    scales = ground_scales(crs, middle[:1], middle[1:])[0] if is_there else np.zeros(2)
    if not (scales > 0).all():
        raise PhotoError(f"it lies where {crs.name} has no answer; choose another CRS")
    scales = np.where(np.abs(scales - 1) < _NEAR_METRE, 1.0, scales)
    step = gsd_m / scales
    first, last = np.floor(low / step), np.ceil(high / step)
    width_px, height_px = (int(count) for count in np.maximum(last - first, 1))
    if width_px * height_px > _MOST_PX:
        raise PhotoError(
            f"it would become {width_px} x {height_px} pixels of {gsd_m:g} m; ask for a coarser "
            "GSD, a shorter reach, or another CRS"
        )
    corner = first[0] * step[0], last[1] * step[1]
    transform = Affine(step[0], 0, corner[0], 0, -step[1], corner[1])
    return WarpGrid(crs, transform, width_px, height_px, gsd_m)


def outline_in(view: PhotoView, crs: CRS) -> Float64Array:
    """The ground that a photo shows (M, 2) in a CRS; degrees are counted on past 180.

    Raises:
        PhotoError: It shows none.
    """
    xy = from_lonlat(crs, view.solved.frame.to_lonlat(view.outline()))
    if crs.is_geographic:
        xy[:, 0] = near(xy[:, 0], view.solved.position.lon)
    return xy


def _rounded(length_m: float) -> float:
    """A length to three digits."""
    digits = 2 - math.floor(math.log10(length_m))
    return round(length_m, digits)
