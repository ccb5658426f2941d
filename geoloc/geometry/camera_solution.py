"""Camera solution: pose and focal length from points on the ground, with what they leave open.

A camera has seven unknowns: place, height, three angles, focal length. Points on nearly flat ground
cannot tell all of them apart (a longer lens from higher up, a tilt from a shift), so what is known
beforehand enters as priors, and what stays open shows in the covariance. Space resection by
least squares (Kraus, Photogrammetry, section 4.2; Foerstner and Wrobel 2016, section 12.2), robust
by Cauchy's loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import (
    Attitude,
    Camera,
    GroundCamera,
    GroundPoint,
    attitude_of,
    pose_of,
    rotation,
)

# Unknowns of the fit: east, north and height in units of the flying height, three turns about the
# camera's axes and the logarithm of the focal length.
_UNKNOWNS = 7
_SMALL = 1e-5


@dataclass(frozen=True, kw_only=True)
class CameraPriors:
    """What is known of a camera beforehand, and how far points may be trusted.

    Attributes:
        pitch_deg: Likeliest pitch, degrees.
        tilt_sd_deg: Standard deviation of pitch and roll around it and around level. Its tails are
            heavy: many points that agree on another tilt overrule it.
        focal_sd: Standard deviation of the focal length as a share of it.
        point_sd_m: Standard deviation of one point on the ground; beyond it a point counts less
            and less, metres.
        independent: So many points, evenly spread, count in full. The errors of more are not
            independent: roofs lean alike, and a map is off alike.
    """

    pitch_deg: float
    tilt_sd_deg: float = 5.0
    focal_sd: float = 0.1
    point_sd_m: float = 1.5
    independent: float = 40.0


@dataclass(frozen=True)
class CameraSolution:
    """A camera over a local frame, with the covariance of its unknowns.

    Attributes:
        camera: Lens; its focal length was fitted, too.
        placed: Pose, and the point of the frame below the camera.
        residuals_m: (N,) distance on the ground of each point from where the fit puts it.
        covariance: (7, 7) of east, north, height (metres), heading, pitch, roll (degrees) and of
            the focal length as a share of it.
    """

    camera: Camera
    placed: GroundCamera
    residuals_m: Float64Array
    covariance: Float64Array

    def widened(
        self,
        position_sd_m: float,
        *,
        height_sd_m: float = 0.0,
        attitude_sd_deg: Attitude | None = None,
        focal_sd: float = 0.0,
    ) -> CameraSolution:
        """The same, less sure by so much: its place east and north, its height, angles and lens."""
        angles = attitude_sd_deg or Attitude(0.0, 0.0, 0.0)
        sds = (position_sd_m, position_sd_m, height_sd_m, *angles, focal_sd)
        covariance = self.covariance.copy()
        covariance[range(_UNKNOWNS), range(_UNKNOWNS)] += np.square(sds)
        return replace(self, covariance=covariance)

    @property
    def attitude(self) -> Attitude:
        """The camera's angles."""
        return attitude_of(rotation(self.placed.pose))

    @property
    def position_covariance(self) -> Float64Array:
        """Covariance (2, 2) of the place, square metres."""
        return self.covariance[:2, :2]

    @property
    def height_sd_m(self) -> float:
        """Standard deviation of the height, metres."""
        return self._sd(2)

    @property
    def attitude_sd_deg(self) -> Attitude:
        """Standard deviations of heading, pitch and roll, degrees."""
        return Attitude(*(self._sd(i) for i in (3, 4, 5)))

    @property
    def hfov_sd_deg(self) -> float:
        """Standard deviation of the field of view, degrees."""
        return math.degrees(math.sin(math.radians(self.camera.hfov_deg))) * self._sd(6)

    @property
    def focal_sd(self) -> float:
        """Standard deviation of the focal length as a share of it."""
        return self._sd(6)

    def _sd(self, unknown: int) -> float:
        return math.sqrt(max(0.0, float(self.covariance[unknown, unknown])))


@dataclass(frozen=True)
class _Fit:
    """One fit: the start that its unknowns are counted from, and what it is fitted to."""

    lens: Camera
    start: GroundCamera
    photo_px: Float64Array
    ground_m: Float64Array
    priors: CameraPriors

    def camera_at(self, state: Float64Array) -> tuple[Camera, Float64Array, Float64Array]:
        """The lens, the place (3,) in metres and the axes (3, 3) as columns."""
        height_m = self.start.pose.height_m
        place = np.array([*self.start.position, height_m]) + height_m * state[:3]
        axes = rotation(self.start.pose) @ Rotation.from_rotvec(state[3:6]).as_matrix()
        focal_px = self.lens.focal_px * math.exp(state[6])
        return Camera(self.lens.width_px, self.lens.height_px, focal_px), place, axes

    def misfit_m(self, state: Float64Array) -> Float64Array:
        """Distances (N, 2) of the points from where the camera sees them, metres on the ground."""
        lens, place, axes = self.camera_at(state)
        seen = (self.ground_m - place) @ axes  # (N, 3): right, down, forward
        depth = np.where(seen[:, 2] > _SMALL, seen[:, 2], np.nan)
        middle = np.array([lens.width_px, lens.height_px]) / 2
        away_px = seen[:, :2] / depth[:, None] * lens.focal_px + middle - self.photo_px
        gsd_m = self.start.pose.height_m / self.lens.focal_px
        return np.nan_to_num(away_px * gsd_m, nan=1e3)

    def misfits(self, state: Float64Array) -> Float64Array:
        """All misfits (2 N + 3,) in standard deviations: points, then pitch, roll and focal."""
        p = self.priors
        _, _, axes = self.camera_at(state)
        up = axes[2]  # the vertical in the camera's axes
        pitch = math.radians(p.pitch_deg)
        off_pitch = up @ np.array([0.0, math.sin(pitch), math.cos(pitch)])
        tilt = np.array([off_pitch, up[0]]) / math.radians(p.tilt_sd_deg)
        points = self.misfit_m(state) / p.point_sd_m
        return np.concatenate([points.ravel(), tilt, [state[6] / p.focal_sd]])

    def loss(self, squares: Float64Array) -> Float64Array:
        """Cauchy's loss, its first and second derivative (3, 2 N + 3).

        The focal length's is square. Points beyond the independent ones share their weight.
        """
        weight = np.ones(len(squares))
        count = len(self.photo_px)
        weight[: 2 * count] = min(1.0, self.priors.independent / max(1, count))
        grown = 1 + squares
        rho = np.array([np.log(grown), 1 / grown, -1 / grown**2])
        rho[:, -1] = squares[-1], 1.0, 0.0
        return np.asarray(weight * rho)


def solve_camera(
    lens: Camera,
    photo_px: Float64Array,
    ground_m: Float64Array,
    start: GroundCamera,
    priors: CameraPriors,
) -> CameraSolution | None:
    """The camera that explains points best; None when it would lie below the ground.

    Args:
        lens: Camera of the photo; its focal length is the likeliest beforehand.
        photo_px: (N, 2) pixels, N at least 4.
        ground_m: (N, 3) the same points on the ground: metres east, north and up.
        start: Pose and place near the truth; the height is counted from z = 0.
        priors: What is known beforehand.
    """
    fit = _Fit(lens, start, photo_px, ground_m, priors)
    found = least_squares(fit.misfits, np.zeros(_UNKNOWNS), loss=fit.loss, max_nfev=80)
    camera, place, axes = fit.camera_at(found.x)
    if place[2] <= 0.1 * start.pose.height_m:
        return None
    placed = GroundCamera(
        pose_of(axes, float(place[2])), GroundPoint(float(place[0]), float(place[1]))
    )
    residuals_m = np.hypot(*fit.misfit_m(found.x).T)
    return CameraSolution(camera, placed, residuals_m, _covariance(fit, found.x, found.jac))


def misfits_m(
    camera: Camera, placed: GroundCamera, photo_px: Float64Array, ground_m: Float64Array
) -> Float64Array:
    """Distances (N,) on the ground of photo points (N, 2) from ground points (N, 3), metres."""
    priors = CameraPriors(pitch_deg=placed.pose.pitch_deg)
    away_m = _Fit(camera, placed, photo_px, ground_m, priors).misfit_m(np.zeros(_UNKNOWNS))
    return np.asarray(np.hypot(*away_m.T))


def _covariance(fit: _Fit, state: Float64Array, jacobian: Float64Array) -> Float64Array:
    """Covariance (7, 7) of the unknowns as `CameraSolution` counts them.

    `jacobian` is scipy's, scaled by the loss already.
    """
    inverse = np.linalg.pinv(jacobian.T @ jacobian, hermitian=True)
    to_stated = np.eye(_UNKNOWNS)
    to_stated[:3] *= fit.start.pose.height_m
    to_stated[3:6, 3:6] = _angles_by_turns(fit, state)
    return np.asarray(to_stated @ inverse @ to_stated.T)


def _angles_by_turns(fit: _Fit, state: Float64Array) -> Float64Array:
    """Change (3, 3) of heading, pitch and roll in degrees with the three turns of the fit."""
    columns = []
    for turn in np.eye(3) * 1e-4:
        after, before = (
            np.array(attitude_of(fit.camera_at(state + np.array([0, 0, 0, *step, 0]))[2]))
            for step in (turn, -turn)
        )
        columns.append(((after - before + 180) % 360 - 180) / 2e-4)
    return np.column_stack(columns)
