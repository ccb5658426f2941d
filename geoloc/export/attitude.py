"""Attitudes in the conventions of other programs, from the rotation that `geometry.camera` makes.

All start from the rotation (3, 3) whose columns are a camera's right, down and forward in metres
east, north and up; so no convention is ever derived from another's angles.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from geoloc.arrays import Float64Array

_LOCKED = 1e-9


class BodyAngles(NamedTuple):
    """Yaw, pitch and roll of a body that carries a camera which looks down, degrees.

    What Pix4D, Metashape and OpenDroneMap mean by these words: the body's nose is the photo's upper
    edge, pitch 0 looks straight down and 90 level ahead, roll lowers the right side about the nose
    (not about the optical axis, as DJI's does). They turn in the order yaw, pitch, roll.

    Attributes:
        yaw_deg: Clockwise from north, in [0, 360).
        pitch_deg: In [-90, 90].
        roll_deg: In (-180, 180].
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def body_angles(to_ground: Float64Array) -> BodyAngles:
    """The angles of the body under which a camera hangs (Bäumker and Heimes 2001, eq. 4)."""
    right, down, forward = to_ground.T
    nose_east, nose_north, nose_up = -down
    pitch = math.asin(float(np.clip(nose_up, -1, 1)))
    if math.hypot(nose_east, nose_north) < _LOCKED:  # level ahead: yaw and roll are one turn
        yaw, roll = math.atan2(-right[1], right[0]), 0.0
    else:
        yaw, roll = math.atan2(nose_east, nose_north), math.atan2(-right[2], -forward[2])
    return BodyAngles(math.degrees(yaw) % 360, math.degrees(pitch), math.degrees(roll))


def omega_phi_kappa(to_ground: Float64Array) -> tuple[float, float, float]:
    """Photogrammetry's angles in radians, of a camera with x right, y up and z backwards (PATB)."""
    r = to_ground * [1, -1, -1]
    phi = math.asin(float(np.clip(r[0, 2], -1, 1)))
    return math.atan2(-r[1, 2], r[2, 2]), phi, math.atan2(-r[0, 1], r[0, 0])


def quaternion(to_ground: Float64Array) -> Float64Array:
    """The quaternion (w, x, y, z) of the turn from the ground to the camera; w is not negative.

    By the largest of its parts, so that none is a difference of nearly equal numbers (Shepperd
    1978).
    """
    r = to_ground.T
    trace = np.trace(r)
    squares = np.array([trace, *np.diag(r)])
    largest = int(np.argmax(squares))
    if largest == 0:
        parts = [1 + trace, r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]
    elif largest == 1:
        parts = [r[2, 1] - r[1, 2], 1 + 2 * r[0, 0] - trace, r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]]
    elif largest == 2:
        parts = [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], 1 + 2 * r[1, 1] - trace, r[1, 2] + r[2, 1]]
    else:
        parts = [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], 1 + 2 * r[2, 2] - trace]
    q = np.asarray(parts, np.float64)
    q /= np.linalg.norm(q)
    return q if q[0] >= 0 else -q
