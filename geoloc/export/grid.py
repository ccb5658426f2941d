"""A map's grid under cameras: their places in it, and which way they look by its own north.

The north of a grid is not true north: in UTM they differ by up to three degrees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.export.camera_view import CameraView
from geoloc.geometry.crs import LonLat, crs_text, from_lonlat, local_metric_crs

_STEP_DEG = 1e-4  # ten metres: long enough for 12 digits, short enough for no grid to bend


@dataclass(frozen=True)
class Grid:
    """A CRS in metres.

    Attributes:
        crs: The CRS, as `geoloc.geometry.crs.as_crs` reads it.
    """

    crs: str

    def places(self, views: Sequence[CameraView]) -> Float64Array:
        """Coordinates (N, 2) of cameras."""
        return from_lonlat(self.crs, np.array([view.solved.position for view in views]))

    def to_grid(self, view: CameraView) -> Float64Array:
        """Rotation (3, 3) from a camera's axes to the grid's east, north and up."""
        lon, lat = view.solved.position
        ends = np.array([(lon, lat - _STEP_DEG), (lon, lat + _STEP_DEG)])
        east, north = np.diff(from_lonlat(self.crs, ends), axis=0)[0]
        turn = math.atan2(east, north)  # of true north, clockwise from the grid's
        c, s = math.cos(turn), math.sin(turn)
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ view.to_ground


def utm_zone(position: LonLat) -> str:
    """The zone of UTM that holds a position, such as ``51N``."""
    return f"{int((position.lon + 180) // 6) % 60 + 1}{'N' if position.lat >= 0 else 'S'}"


def utm_crs(zone: str) -> str:
    """The CRS of a zone of UTM."""
    return f"EPSG:{(32600 if zone.endswith('N') else 32700) + int(zone[:-1])}"


def local_grid(origin: LonLat) -> Grid:
    """Metres east and north of an origin."""
    return Grid(crs_text(local_metric_crs(origin)))
