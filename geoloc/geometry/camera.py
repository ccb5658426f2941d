"""Cameras: the pinhole model over flat ground, in numpy alone (pose, footprint, homography).

Frames, stated once for the whole project:

* Ground: metres, x east, y north, z up, the ground at z = 0.
* Camera: x to the right of the photo, y down it, z along the optical axis.
* Photo pixels: (column, row); (0, 0) is the outer corner of the first pixel, centres lie at +0.5,
  and the principal point is the middle of the photo.

Angles are DJI's. A camera at zero looks level to the north. It is turned by yaw (clockwise seen
from above), then by pitch about its own horizontal axis (-90 looks straight down), then by roll
about its optical axis (positive: its right side goes down). Without roll the yaw is at once the
azimuth of the optical axis and of the photo's up edge on the ground, so nothing jumps on the way
to the nadir. There the three angles lock: only yaw plus roll means anything, and what a person
calls the heading is `Pose.heading_deg`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array

_EPSILON = 1e-9
_STEPS_PER_EDGE = 16


class GroundPoint(NamedTuple):
    """A point on the ground in metres, relative to a stated origin."""

    east_m: float
    north_m: float


@dataclass(frozen=True)
class Camera:
    """A pinhole without distortion whose principal point is the middle of the photo.

    Attributes:
        width_px: Width of the photo.
        height_px: Height of the photo.
        focal_px: Focal length in pixels of this photo.
    """

    width_px: int
    height_px: int
    focal_px: float

    @classmethod
    def from_hfov(cls, width_px: int, height_px: int, hfov_deg: float) -> Camera:
        """The camera whose photo spans `hfov_deg` degrees, in (0, 180), from left to right."""
        return cls(width_px, height_px, width_px / 2 / math.tan(math.radians(hfov_deg) / 2))

    @property
    def hfov_deg(self) -> float:
        """Angle from the left to the right edge, in degrees."""
        return math.degrees(2 * math.atan2(self.width_px / 2, self.focal_px))

    @property
    def vfov_deg(self) -> float:
        """Angle from the upper to the lower edge, in degrees."""
        return math.degrees(2 * math.atan2(self.height_px / 2, self.focal_px))

    def resized(self, width_px: int, height_px: int) -> Camera:
        """The same camera after its photo was resized; the width states by how much."""
        return Camera(width_px, height_px, self.focal_px * width_px / self.width_px)

    def matrix(self) -> Float64Array:
        """The calibration matrix K (3, 3): camera frame to homogeneous photo pixels."""
        middle_x, middle_y = self.width_px / 2, self.height_px / 2
        return np.array(
            [[self.focal_px, 0, middle_x], [0, self.focal_px, middle_y], [0, 0, 1]], np.float64
        )

    def corners(self) -> Float64Array:
        """The photo's corners (4, 2) in pixels, clockwise from the upper left."""
        width, height = float(self.width_px), float(self.height_px)
        return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


@dataclass(frozen=True)
class Pose:
    """Height and attitude of a camera; the angles are those of the module's docstring.

    Attributes:
        yaw_deg: Azimuth, clockwise from true north.
        pitch_deg: Elevation; -90 straight down, 0 level, below -90 leaning back past the nadir.
        roll_deg: Turn about the optical axis, positive when the camera's right side goes down.
        height_m: Height above the ground, metres.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    height_m: float

    @property
    def heading_deg(self) -> float:
        """The photo's heading in [0, 360): square to its horizontal axis, seen from above.

        It equals the yaw where there is no roll, and stays meaningful at the nadir, where a degree
        of sideways tilt may turn the yaw by 90.
        """
        right_east, right_north, _ = rotation(self)[:, 0]
        return math.degrees(math.atan2(-right_north, right_east)) % 360


class Attitude(NamedTuple):
    """Angles of a camera that jump nowhere between straight down and level, in degrees.

    A nadir camera that tilts a degree sideways turns the yaw of a `Pose` by 90; here it gets a roll
    of one degree. The two are other names of the same rotation.

    Attributes:
        heading_deg: Azimuth in [0, 360) square to the photo's horizontal axis, seen from above.
        pitch_deg: Turn about that axis; -90 straight down, 0 level, below -90 leaning back.
        roll_deg: Angle by which that axis goes down to its right, within 90.
    """

    heading_deg: float
    pitch_deg: float
    roll_deg: float


class GroundCamera(NamedTuple):
    """A camera found over a local frame: its pose and the ground point below it."""

    pose: Pose
    position: GroundPoint


def rotation(pose: Pose) -> Float64Array:
    """The rotation (3, 3) whose columns are the camera's right, down and forward on the ground."""
    yaw, pitch, roll = (math.radians(a) for a in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    ahead = np.array([math.sin(yaw), math.cos(yaw), 0.0])
    level_right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = math.cos(pitch) * ahead + math.sin(pitch) * up
    level_down = math.sin(pitch) * ahead - math.cos(pitch) * up
    right = math.cos(roll) * level_right + math.sin(roll) * level_down
    down = math.cos(roll) * level_down - math.sin(roll) * level_right
    return np.column_stack([right, down, forward])


def attitude(pose: Pose) -> Attitude:
    """The angles of a pose that jump nowhere."""
    return attitude_of(rotation(pose))


def attitude_of(to_ground: Float64Array) -> Attitude:
    """The angles of a rotation (3, 3) as `rotation` makes it."""
    right, _, forward = to_ground.T
    heading = math.atan2(-right[1], right[0])
    ahead = np.array([math.sin(heading), math.cos(heading), 0.0])
    pitch = math.atan2(forward @ np.cross(right, ahead), forward @ ahead)
    pitch = (
        pitch - 2 * math.pi if pitch > math.pi / 2 else pitch
    )  # back past the nadir, not the zenith
    roll = -math.asin(float(np.clip(right[2], -1, 1)))
    return Attitude(math.degrees(heading) % 360, math.degrees(pitch), math.degrees(roll))


def pose_at(angles: Attitude, height_m: float) -> Pose:
    """The pose of these angles at a height; the inverse of `attitude`."""
    heading, pitch, roll = (math.radians(angle) for angle in angles)
    ahead = np.array([math.sin(heading), math.cos(heading), 0.0])
    level_right = np.array([math.cos(heading), -math.sin(heading), 0.0])
    right = math.cos(roll) * level_right - math.sin(roll) * np.array([0.0, 0.0, 1.0])
    forward = math.cos(pitch) * ahead + math.sin(pitch) * np.cross(right, ahead)
    return pose_of(np.column_stack([right, np.cross(forward, right), forward]), height_m)


def ground_homography(camera: Camera, pose: Pose) -> Float64Array:
    """The homography (3, 3) from photo pixels to ground metres, origin below the camera.

    The third homogeneous coordinate is positive exactly for pixels below the horizon; elsewhere a
    pixel has no ground and its quotient means nothing. Hartley and Zisserman, section 8.1.1.
    """
    rays = rotation(pose) @ np.linalg.inv(camera.matrix())
    return np.vstack([pose.height_m * rays[:2], -rays[2:]])


def project(homography: Float64Array, points: Float64Array) -> Float64Array:
    """The images (N, 2) of points (N, 2) under a homography (3, 3); NaN where w is not positive."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    w = np.where(mapped[:, 2:] > _EPSILON, mapped[:, 2:], np.nan)
    return np.asarray(mapped[:, :2] / w, np.float64)


def scene_point(camera: Camera, pose: Pose) -> GroundPoint | None:
    """The ground point in the middle of the photo, origin below the camera; None in the sky."""
    middle = np.array([[camera.width_px / 2, camera.height_px / 2]])
    east_m, north_m = project(ground_homography(camera, pose), middle)[0]
    return None if math.isnan(east_m) else GroundPoint(float(east_m), float(north_m))


def footprint(camera: Camera, pose: Pose, *, max_distance_m: float = 2000.0) -> Float64Array:
    """The ground that a photo shows: a polygon (M, 2) in metres, origin below the camera.

    Open (the first corner is not repeated), in the order of the photo's corners from its upper
    left, which is clockwise seen from above. What lies past the horizon is cut off, and what lies
    past `max_distance_m` is drawn in to that distance, an arc then; (0, 2) when all is sky.
    """
    homography = ground_homography(camera, pose)
    outline = _clip_to_ground(camera.corners(), homography)
    if len(outline) == 0:
        return np.empty((0, 2))
    ground = project(homography, outline)
    if (np.hypot(*ground.T) <= max_distance_m).all():
        return ground
    ground = project(homography, _densify(outline))
    distance_m = np.hypot(*ground.T)
    shrink = np.minimum(1.0, max_distance_m / np.maximum(distance_m, _EPSILON))
    return np.asarray(ground * shrink[:, None], np.float64)


def _clip_to_ground(corners: Float64Array, homography: Float64Array) -> Float64Array:
    """The part of a photo polygon (N, 2) that lies below the horizon (Sutherland and Hodgman)."""
    # One part in a thousand of the steepest ray keeps the quotients finite: 1000 heights away.
    below = np.column_stack([corners, np.ones(len(corners))]) @ homography[2]
    below = below - 1e-3 * float(np.abs(homography[2, :2]).max() * np.ptp(corners) + 1e-6)
    kept: list[Float64Array] = []
    for i, corner in enumerate(corners):
        previous, before, now = corners[i - 1], below[i - 1], below[i]
        if (before > 0) != (now > 0):
            kept.append(previous + (corner - previous) * (before / (before - now)))
        if now > 0:
            kept.append(corner)
    return np.array(kept) if len(kept) >= 3 else np.empty((0, 2))


def _densify(polygon: Float64Array) -> Float64Array:
    """The polygon (N, 2) with every edge cut into equal steps."""
    steps = np.arange(_STEPS_PER_EDGE)[None, :, None] / _STEPS_PER_EDGE
    following = np.roll(polygon, -1, axis=0)
    return np.asarray(
        polygon[:, None] + steps * (following - polygon)[:, None], np.float64
    ).reshape(-1, 2)


def pose_from_homography(camera: Camera, homography: Float64Array) -> GroundCamera | None:
    """The camera above flat ground that explains a homography from photo pixels to local metres.

    Of the two signs of the decomposition the one with the camera above the ground is taken
    (Hartley and Zisserman, section 8.1.1; Zhang 2000, section 3.1). The rotation is the nearest
    orthogonal one, so that a little noise does no harm. Of the two triples of angles that mean the
    same rotation, the one with a roll within 90 degrees is returned; the yaw is in [0, 360).

    Args:
        camera: The photo's camera; an error of its focal length goes straight into the height.
        homography: (3, 3), photo pixels to metres east and north of any origin, at any scale.

    Returns:
        The pose, and where the camera stands in the same local metres. None when the homography
        is singular or mirrored, so that no camera above the ground sees the photo's middle.
    """
    if not np.isfinite(homography).all() or np.linalg.matrix_rank(homography) < 3:
        return None
    plane = np.linalg.inv(camera.matrix()) @ np.linalg.inv(homography)
    plane /= np.linalg.norm(plane[:, :2], axis=0).mean()
    left, _, right = np.linalg.svd(plane[:, :2], full_matrices=False)
    east, north = (left @ right).T
    up = np.cross(east, north)
    offset = plane[:, 2]
    if up @ offset > 0:  # the camera would be below the ground: the other sign
        east, north, offset = -east, -north, -offset
    to_camera = np.column_stack([east, north, up])
    position = -to_camera.T @ offset
    middle = homography @ np.array([camera.width_px / 2, camera.height_px / 2, 1.0])
    if abs(middle[2]) > _EPSILON * np.abs(middle).max():
        seen = np.array([middle[0] / middle[2], middle[1] / middle[2], 0.0])
        if to_camera[2] @ (seen - position) <= 0:
            return None
    pose = pose_of(to_camera.T, float(position[2]))
    return GroundCamera(pose, GroundPoint(float(position[0]), float(position[1])))


def pose_of(to_ground: Float64Array, height_m: float) -> Pose:
    """The angles of a rotation as `rotation` makes it, with the roll within 90 degrees."""
    right, down, forward = to_ground.T
    across = math.hypot(forward[0], forward[1])
    if across < _EPSILON:  # locked: all of the turn goes into the yaw
        yaw = math.atan2(-right[1], right[0])
        return Pose(math.degrees(yaw) % 360, math.copysign(90.0, forward[2]), 0.0, height_m)
    yaw, pitch = math.atan2(forward[0], forward[1]), math.atan2(forward[2], across)
    roll = math.atan2(-right[2], -down[2])
    if abs(roll) > math.pi / 2:
        yaw, roll = yaw + math.pi, roll - math.copysign(math.pi, roll)
        pitch = (-math.pi if pitch < 0 else math.pi) - pitch
    return Pose(math.degrees(yaw) % 360, math.degrees(pitch), math.degrees(roll), height_m)
