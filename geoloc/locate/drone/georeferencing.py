"""Georeference a drone photo: from the posterior in local metres to an estimate in lon, lat."""

from __future__ import annotations

import math

import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, footprint, project
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import cut_at_antimeridian, near
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M, Posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import (
    RAYLEIGH_90,
    RAYLEIGH_95,
    Estimate,
    Heading,
    count_modes,
    margin,
    spread_m,
)

# A footprint ends this many heights away, however far the photo sees.
_FOOTPRINT_REACH = 5.0


def georeference(posterior: Posterior, camera: Camera, frame: LocalFrame) -> Estimate:
    """The estimate in lon, lat of the best place.

    Args:
        posterior: The places that compete.
        camera: The photo's camera.
        frame: Local frame of the best place's region of the map.
    """
    best = posterior.best
    found = best.resection
    place = np.array([found.camera.position])
    heading_deg = (found.camera.pose.heading_deg + _north_turn_deg(frame, place)) % 360
    middle = np.array([[camera.width_px / 2, camera.height_px / 2]])
    return Estimate(
        position=_lonlat(frame, place),
        heading=Heading(heading_deg, found.heading_sd_deg),
        probability=posterior.probability,
        radius_m=CONFIDENCE_RADIUS_M,
        ce90_m=RAYLEIGH_90 * posterior.position_sd_m,
        acc95_m=RAYLEIGH_95 * posterior.position_sd_m,
        score=best.score,
        margin=margin([one.score for one in posterior.places]),
        n_modes=count_modes(posterior.probabilities),
        spread_m=_spread_m(posterior),
        n_inliers=best.n_inliers,
        scene=_scene(frame, project(found.homography, middle)),
        footprint=_footprint_wkt(camera, best, frame),
    )


def _spread_m(posterior: Posterior) -> float:
    """Spread of the places of the best one's region: metres of two frames do not mix."""
    weighed = zip(posterior.places, posterior.probabilities, strict=True)
    near = [(one, share) for one, share in weighed if one.region == posterior.best.region]
    cameras_m = np.array([one.resection.camera.position for one, _ in near])
    return spread_m(cameras_m, [share for _, share in near])


def _lonlat(frame: LocalFrame, xy_m: Float64Array) -> LonLat:
    lon, lat = frame.to_lonlat(xy_m)[0]
    return LonLat(float(lon), float(lat))


def _scene(frame: LocalFrame, xy_m: Float64Array) -> LonLat | None:
    """The ground point at (1, 2) metres of the frame; None beyond the horizon."""
    return _lonlat(frame, xy_m) if np.isfinite(xy_m).all() else None


def _footprint_wkt(camera: Camera, place: VerifiedPose, frame: LocalFrame) -> str | None:
    """The photo's outline on the ground as WKT in lon, lat; None when all is sky.

    Cut at the antimeridian, as GeoJSON wants it: QGIS would draw a band around the world otherwise.
    """
    found = place.resection.camera
    reach_m = _FOOTPRINT_REACH * found.pose.height_m
    ground = footprint(camera, found.pose, max_distance_m=reach_m)
    if len(ground) < 3:
        return None
    lonlat = frame.to_lonlat(ground + np.array(found.position))
    lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
    outline = cut_at_antimeridian(shapely.Polygon(lonlat))
    return str(shapely.to_wkt(shapely.orient_polygons(outline), rounding_precision=7))


def _north_turn_deg(frame: LocalFrame, place: Float64Array) -> float:
    """Degrees to add to an azimuth in the frame for one from true north, at a place."""
    (lon0, lat0), (lon1, lat1) = frame.to_lonlat(np.vstack([place, place + [[0.0, 100.0]]]))
    lon1 = float(near(lon1, lon0))
    return math.degrees(math.atan2((lon1 - lon0) * math.cos(math.radians(lat0)), lat1 - lat0))
