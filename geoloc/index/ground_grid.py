"""Grids of square pixels on the ground with any bearing up, and where cells lie in them.

Pixels are counted in the corner convention. Axes of a grid run to the right and down from the
origin of a local frame, in metres; the bearing that is up is measured from true north there, so
the convergence of a map's own grid plays no part. Over the kilometre that a grid spans, true north
turns by less than a hundredth of a degree in Europe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import LocalFrame
from geoloc.image_size import ImageSize


@dataclass(frozen=True)
class GroundAxes:
    """The axes of a grid: to the right and down, in metres from the origin of a local frame.

    Attributes:
        frame: The frame.
        bearing_deg: The bearing that is up, degrees clockwise from true north.
    """

    frame: LocalFrame
    bearing_deg: float

    def from_lonlat(self, lon: Float64Array, lat: Float64Array) -> Float64Array:
        """Metres (N, 2) right and down, from degrees."""
        return np.asarray(self.frame.from_lonlat(lon, lat) @ self._turn())

    def to_lonlat(self, xy_m: Float64Array) -> Float64Array:
        """Degrees (N, 2), from metres right and down."""
        return self.frame.to_lonlat(xy_m @ self._turn().T)

    def _turn(self) -> Float64Array:
        """(2, 2) with the axes right and down as columns, in metres east and north."""
        angle = np.radians(self.bearing_deg)
        return np.array([[np.cos(angle), -np.sin(angle)], [-np.sin(angle), -np.cos(angle)]])


@dataclass(frozen=True)
class GroundGrid:
    """A grid of square pixels on the ground.

    Attributes:
        axes: Its axes.
        corner_m: Right and down from the frame's origin to the grid's upper left corner, metres.
        gsd_m: Side of a pixel, metres.
        size: Number of pixels.
    """

    axes: GroundAxes
    corner_m: tuple[float, float]
    gsd_m: float
    size: ImageSize

    @classmethod
    def around(
        cls, axes: GroundAxes, centres_m: Float64Array, *, gsd_m: float, side_px: int
    ) -> GroundGrid:
        """The smallest grid that holds squares of `side_px` around centres (N, 2), in metres."""
        half_m = side_px * gsd_m / 2
        low, high = centres_m.min(axis=0) - half_m, centres_m.max(axis=0) + half_m
        # A pixel more: squares begin at whole pixels.
        width_px, height_px = (int(n) + 1 for n in np.ceil((high - low) / gsd_m))
        return cls(axes, (float(low[0]), float(low[1])), gsd_m, ImageSize(height_px, width_px))

    def pixels_of(self, xy_m: Float64Array) -> Float64Array:
        """Columns and rows (N, 2) of places in metres right and down."""
        return np.asarray((xy_m - self.corner_m) / self.gsd_m)

    def to_lonlat(self, xy_px: Float64Array) -> Float64Array:
        """Degrees (N, 2) of columns and rows."""
        return self.axes.to_lonlat(np.asarray(self.corner_m) + xy_px * self.gsd_m)

    @property
    def reach_m(self) -> float:
        """Half of the grid's diagonal, metres."""
        return float(np.hypot(*self.size)) / 2 * self.gsd_m

    @property
    def middle(self) -> Float64Array:
        """(1, 2) degrees of the grid's middle."""
        return self.to_lonlat(np.array([[self.size.width_px, self.size.height_px]]) / 2)
