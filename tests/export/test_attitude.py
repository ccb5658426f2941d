"""Claims about attitudes in other programs' conventions, against their own formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geoloc.arrays import Float64Array
from geoloc.export.attitude import body_angles, omega_phi_kappa, quaternion
from geoloc.geometry.camera import Pose, rotation

POSES = [
    Pose(yaw, pitch, roll, 100.0)
    for yaw in (0.0, 75.0, 200.0, 359.0)
    for pitch in (-90.0, -89.0, -60.0, -10.0, -95.0)
    for roll in (0.0, 4.0, -30.0)
]


def _turn(axis: int, degrees: float) -> Float64Array:
    """The right-handed rotation (3, 3) about one axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    r = np.eye(3)
    r[i, i] = r[j, j] = c
    r[i, j], r[j, i] = -s, s
    return r


@pytest.mark.parametrize("pose", POSES)
def test_body_angles_make_the_same_rotation_in_north_east_down(pose: Pose) -> None:
    yaw, pitch, roll = body_angles(rotation(pose))
    body = _turn(2, yaw) @ _turn(1, pitch) @ _turn(0, roll)  # nose, right, belly
    to_body = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # of the camera's right, down, forward
    to_east_north_up = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
    np.testing.assert_allclose(to_east_north_up @ body @ to_body, rotation(pose), atol=1e-9)
    assert 0 <= yaw < 360


def test_the_nadir_is_pitch_0_and_the_horizon_90() -> None:
    assert body_angles(rotation(Pose(30, -90, 0, 1))) == pytest.approx((30, 0, 0), abs=1e-6)
    assert body_angles(rotation(Pose(30, -60, 0, 1))) == pytest.approx((30, 30, 0), abs=1e-9)
    assert body_angles(rotation(Pose(30, 0, 0, 1))) == pytest.approx((30, 90, 0), abs=1e-6)


@pytest.mark.parametrize("pose", POSES)
def test_metashape_makes_the_same_rotation_of_body_angles(pose: Pose) -> None:
    yaw, pitch, roll = body_angles(rotation(pose))
    made = _turn(2, -yaw) @ _turn(0, pitch) @ _turn(1, roll)  # of x right, y up, z backwards
    np.testing.assert_allclose(made * [1, -1, -1], rotation(pose), atol=1e-9)


@pytest.mark.parametrize("pose", POSES)
def test_omega_phi_kappa_turn_in_their_order(pose: Pose) -> None:
    omega, phi, kappa = (math.degrees(each) for each in omega_phi_kappa(rotation(pose)))
    made = _turn(0, omega) @ _turn(1, phi) @ _turn(2, kappa)
    np.testing.assert_allclose(made * [1, -1, -1], rotation(pose), atol=1e-9)


@pytest.mark.parametrize("pose", [*POSES, Pose(180, 0, 180, 1), Pose(90, 90, 0, 1)])
def test_a_quaternion_turns_the_ground_into_the_camera(pose: Pose) -> None:
    w, x, y, z = quaternion(rotation(pose))
    made = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    np.testing.assert_allclose(made, rotation(pose).T, atol=1e-9)
    assert w >= 0
