"""Georeference a drone photo: from the posterior in local metres to an estimate in lon, lat."""

from __future__ import annotations

import math

import numpy as np
import shapely

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Attitude, rotation
from geoloc.geometry.circular_error import circular_error_m
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.ground import FLAT_GROUND, footprint_on_ground
from geoloc.geometry.longitude import cut_at_antimeridian, near
from geoloc.image_size import ImageSize
from geoloc.locate.drone.control_points import choose_control_points
from geoloc.locate.drone.final_camera import FinalCamera
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M, Posterior
from geoloc.locate.estimate import (
    CameraEstimate,
    Estimate,
    Heading,
    count_modes,
    margin,
    spread_m,
)
from geoloc.locate.radii import ASSUMED_RADII, Radii

# A footprint ends this many heights away, however far the photo sees.
_FOOTPRINT_REACH = 5.0


def georeference(
    posterior: Posterior,
    final: FinalCamera,
    frame: LocalFrame,
    *,
    photo_size: ImageSize,
    radii: Radii = ASSUMED_RADII,
) -> Estimate:
    """The estimate in lon, lat of the best place.

    Args:
        posterior: The places that compete.
        final: The camera at the best place.
        frame: Local frame of the best place's region of the map.
        photo_size: Size of the upright photo in its file.
        radii: What its radii are made of.
    """
    best, solution = posterior.best, final.solution
    place = np.array([solution.placed.position])
    camera = _camera(final, frame, photo_size)
    covariance = radii.camera**2 * solution.position_covariance + radii.map_sd_m**2 * np.eye(2)
    return Estimate(
        position=_lonlat(frame, place),
        heading=Heading(camera.attitude.heading_deg, camera.attitude_sd_deg.heading_deg),
        probability=posterior.probability,
        radius_m=CONFIDENCE_RADIUS_M,
        ce90_m=circular_error_m(covariance, 0.90),
        acc95_m=circular_error_m(covariance, 0.95),
        score=best.score,
        margin=margin([one.score for one in posterior.places]),
        n_modes=count_modes(posterior.probabilities),
        spread_m=_spread_m(posterior),
        n_inliers=best.n_inliers,
        scene=_scene(final, frame),
        footprint=_footprint_wkt(final, frame),
        camera=camera,
    )


def georeference_carried(
    final: FinalCamera, frame: LocalFrame, *, n_points: int, photo_size: ImageSize
) -> Estimate:
    """The estimate in lon, lat of a camera that another photo's camera was carried to.

    Its probability and its score are left to who knows how sure the other photo is.

    Args:
        final: The camera, whose covariance holds that of the other photo and of the map.
        frame: Local frame that it was solved in.
        n_points: Points that the two photos share.
        photo_size: Size of the upright photo in its file.
    """
    solution = final.solution
    camera = _camera(final, frame, photo_size)
    return Estimate(
        position=_lonlat(frame, np.array([solution.placed.position])),
        heading=Heading(camera.attitude.heading_deg, camera.attitude_sd_deg.heading_deg),
        probability=0.0,
        radius_m=CONFIDENCE_RADIUS_M,
        ce90_m=circular_error_m(solution.position_covariance, 0.90),
        acc95_m=circular_error_m(solution.position_covariance, 0.95),
        score=0.0,
        margin=0.0,
        n_modes=1,
        spread_m=0.0,
        n_inliers=n_points,
        scene=_scene(final, frame),
        footprint=_footprint_wkt(final, frame),
        camera=camera,
    )


def _camera(final: FinalCamera, frame: LocalFrame, photo_size: ImageSize) -> CameraEstimate:
    """The camera with its heading from true north and its height above the ground below it."""
    solution = final.solution
    place = np.array([solution.placed.position])
    heading_deg, pitch_deg, roll_deg = solution.attitude
    heading_deg = (heading_deg + _north_turn_deg(frame, place)) % 360
    below_m = float(np.nan_to_num(final.ground.heights_m(place))[0])
    return CameraEstimate(
        attitude=Attitude(heading_deg, pitch_deg, roll_deg),
        attitude_sd_deg=solution.attitude_sd_deg,
        height_m=solution.placed.pose.height_m - below_m,
        height_sd_m=solution.height_sd_m,
        altitude_m=final.altitude_m(solution.placed.pose.height_m),
        hfov_deg=solution.camera.hfov_deg,
        hfov_sd_deg=solution.hfov_sd_deg,
        lens_kind=final.lens_kind,
        distortion=final.distortion,
        photo_size=photo_size,
        control_points=choose_control_points(final, frame, photo_size),
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


def _scene(final: FinalCamera, frame: LocalFrame) -> LonLat | None:
    """The ground point in the photo's middle; None beyond the horizon."""
    placed = final.solution.placed
    origin = np.array([*placed.position, placed.pose.height_m])
    ahead = rotation(placed.pose)[:, 2][None]
    point = final.ground.meet(origin, ahead)[:, :2]
    if not np.isfinite(point).all():  # past what is known of the ground
        point = FLAT_GROUND.meet(origin, ahead)[:, :2]
    return _lonlat(frame, point) if np.isfinite(point).all() else None


def _footprint_wkt(final: FinalCamera, frame: LocalFrame) -> str | None:
    """The photo's outline on the ground as WKT in lon, lat; None when all is sky.

    Cut at the antimeridian, as GeoJSON wants it: QGIS would draw a band around the world otherwise.
    """
    found = final.solution.placed
    reach_m = _FOOTPRINT_REACH * found.pose.height_m
    ground = footprint_on_ground(final.solution.camera, found, final.ground, reach_m=reach_m)
    if len(ground) < 3:
        return None
    lonlat = frame.to_lonlat(ground)
    lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
    # Behind a ridge an outline may fold over itself.
    polygon = shapely.Polygon(lonlat)
    outline = cut_at_antimeridian(polygon if polygon.is_valid else _largest(polygon))
    return str(shapely.to_wkt(shapely.orient_polygons(outline), rounding_precision=7))


def _largest(polygon: shapely.Polygon) -> shapely.Polygon:
    """The largest part of an outline that folds over itself."""
    parts = shapely.get_parts(shapely.make_valid(polygon))
    return max((one for one in parts if one.geom_type == "Polygon"), key=lambda one: one.area)


def _north_turn_deg(frame: LocalFrame, place: Float64Array) -> float:
    """Degrees to add to an azimuth in the frame for one from true north, at a place."""
    (lon0, lat0), (lon1, lat1) = frame.to_lonlat(np.vstack([place, place + [[0.0, 100.0]]]))
    lon1 = float(near(lon1, lon0))
    return math.degrees(math.atan2((lon1 - lon0) * math.cos(math.radians(lat0)), lat1 - lat0))
