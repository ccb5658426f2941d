"""Space resection: the pose of a camera from points of its photo whose ground positions are known.

Over flat ground, robust against wrong points, and held by a prior on the tilt: points on flat
ground determine it badly when roofs and trees lean away from the middle. That prior is why no
library does it: cv2.solvePnPRansac, cv2.solvePnPRefineLM and pycolmap take none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, GroundCamera, project, rotation
from geoloc.geometry.camera import pose_from_homography as _pose_from_homography

# Beyond this a point counts less and less (Cauchy's loss), metres.
_SOFT_LIMIT_M = 1.5
# The prior on the tilt weighs as much as this many points at the soft limit.
_PRIOR_POINTS = 12.0


@dataclass(frozen=True)
class Resection:
    """A camera over a local frame, fitted to points.

    Attributes:
        camera: Pose of the camera, and the ground point below it.
        homography: (3, 3), photo pixels to metres in the local frame.
        residuals_m: (N,) distance of each point from where the fit puts it, metres.
        position_sd_m: Standard deviation of the camera's ground position as far as the points
            and the prior tell, metres.
        heading_sd_deg: Standard deviation of the heading, degrees.
    """

    camera: GroundCamera
    homography: Float64Array
    residuals_m: Float64Array
    position_sd_m: float
    heading_sd_deg: float


def resect(
    camera: Camera,
    photo_px: Float64Array,
    ground_m: Float64Array,
    start: GroundCamera,
    *,
    tilt_sd_deg: float = 5.0,
) -> Resection | None:
    """Fit pose and position to points; None when they do not hold a camera above the ground.

    Args:
        camera: Camera of the photo.
        photo_px: (N, 2) pixels, N at least 4.
        ground_m: (N, 2) the same points on the ground, metres east and north.
        start: Pose and position near the truth; its tilt is also the prior.
        tilt_sd_deg: Standard deviation of the tilt around the start's.
    """
    base = rotation(start.pose)
    height = start.pose.height_m
    gsd_m = height / camera.focal_px
    begin = np.array([start.position.east_m, start.position.north_m, height, 0.0, 0.0, 0.0])
    hold = _SOFT_LIMIT_M * np.sqrt(_PRIOR_POINTS) / np.radians(tilt_sd_deg)

    def misfit(state: Float64Array) -> Float64Array:
        seen = _project_down(camera, base, state, ground_m)
        away = np.nan_to_num((seen - photo_px) * gsd_m, nan=1e3)
        return np.concatenate([away.ravel(), hold * state[3:5]])

    scale = np.array([1, 1, 1, 0.01, 0.01, 0.01])
    fit = least_squares(
        misfit, begin, loss="cauchy", f_scale=_SOFT_LIMIT_M, x_scale=scale, max_nfev=60
    )
    if fit.x[2] <= 0.1 * height:
        return None
    homography = _homography(camera, base, fit.x)
    found = _pose_from_homography(camera, homography)
    if found is None:
        return None
    residuals = np.hypot(*fit.fun[:-2].reshape(-1, 2).T)
    position_sd, heading_sd = _spread(fit.jac, residuals)
    return Resection(found, homography, residuals, position_sd, heading_sd)


def _turned(base: Float64Array, state: Float64Array) -> Float64Array:
    """The camera's axes as columns after a small turn about its own axes."""
    return np.asarray(base @ Rotation.from_rotvec(state[3:]).as_matrix())


def _project_down(
    camera: Camera, base: Float64Array, state: Float64Array, ground_m: Float64Array
) -> Float64Array:
    """Ground points (N, 2) in photo pixels; NaN behind the camera."""
    return project(_to_photo(camera, base, state), ground_m)


def _to_photo(camera: Camera, base: Float64Array, state: Float64Array) -> Float64Array:
    """The homography (3, 3) from ground metres to photo pixels."""
    axes = _turned(base, state)
    offset = -axes.T @ state[:3]
    return np.asarray(camera.matrix() @ np.column_stack([axes.T[:, :2], offset]))


def _homography(camera: Camera, base: Float64Array, state: Float64Array) -> Float64Array:
    inverse = np.linalg.inv(_to_photo(camera, base, state))
    middle = inverse[2] @ np.array([camera.width_px / 2, camera.height_px / 2, 1.0])
    return np.asarray(inverse / (np.sign(middle) or 1.0))


def _spread(jacobian: Float64Array, residuals_m: Float64Array) -> tuple[float, float]:
    """Standard deviations of the ground position (metres) and of the heading (degrees)."""
    noise = max(0.3, float(np.median(residuals_m)) / 1.18)
    try:
        covariance = np.linalg.inv(jacobian.T @ jacobian) * noise**2
    except np.linalg.LinAlgError:
        return float("inf"), 180.0
    position = float(np.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1]) / 2))
    return position, float(np.degrees(np.sqrt(max(0.0, covariance[5, 5]))))
