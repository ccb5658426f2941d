"""Heights above the sea of cameras and control points that were located without a terrain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import control_points, control_points_text
from geoloc.terrain.terrain import Terrain

ELLIPSOID = "heights are above the ellipsoid, as the elevation model's are, not above the sea"


def with_altitudes(result: PhotoResult, terrain: Terrain) -> PhotoResult:
    """A row with the heights that a terrain adds to it; what it states already stays.

    The camera is as high above the sea as the ground below it and its height above that.

    Raises:
        RasterError: A file of the terrain is damaged there, or cannot be reached.
    """
    points = control_points(result.control_points)
    places = [(point.lon, point.lat) for point in points]
    if result.longitude is not None and result.latitude is not None:
        places.append((result.longitude, result.latitude))
    if not places:
        return result
    ground = [
        float(height) if np.isfinite(height) else None
        for height in terrain.altitudes_m(np.array(places, np.float64))
    ]
    below = ground[-1] if result.has_position else None
    if result.altitude_m is None and result.height_m is not None and below is not None:
        result = replace(result, altitude_m=below + result.height_m)
    known = tuple(
        point if point.altitude_m is not None else point._replace(altitude_m=height)
        for point, height in zip(points, ground, strict=False)
    )
    return replace(result, control_points=control_points_text(known))
