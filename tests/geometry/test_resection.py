"""The camera from points on the ground: exact, despite wrong points, and held where blind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.camera import (
    Camera,
    GroundCamera,
    GroundPoint,
    Pose,
    ground_homography,
    project,
)
from geoloc.geometry.resection import Resection, resect

CAMERA = Camera(1200, 900, 950.0)


def points(truth: GroundCamera, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (N, 2) all over the photo and where they lie on the ground."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform([0, 0], [CAMERA.width_px, CAMERA.height_px], (count, 2))
    return pixels, project(ground_homography(CAMERA, truth.pose), pixels) + np.array(truth.position)


def start_near(truth: GroundCamera, *, away_m: float = 6.0, turn_deg: float = 4.0) -> GroundCamera:
    pose = truth.pose
    supposed = Pose(pose.yaw_deg + turn_deg, pose.pitch_deg, pose.roll_deg, 1.06 * pose.height_m)
    east_m, north_m = truth.position
    return GroundCamera(supposed, GroundPoint(east_m + away_m, north_m - away_m))


def turn_between(a_deg: float, b_deg: float) -> float:
    return abs((a_deg - b_deg + 180) % 360 - 180)


def away_m(fit: Resection, truth: GroundCamera) -> float:
    return float(np.hypot(*np.subtract(fit.camera.position, truth.position)))


def tilt_between(a: Pose, b: Pose) -> float:
    """Angle between two optical axes, degrees."""
    axes = [
        np.array(
            [
                np.cos(np.radians(p.pitch_deg)) * np.sin(np.radians(p.yaw_deg)),
                np.cos(np.radians(p.pitch_deg)) * np.cos(np.radians(p.yaw_deg)),
                np.sin(np.radians(p.pitch_deg)),
            ]
        )
        for p in (a, b)
    ]
    return float(np.degrees(np.arccos(np.clip(axes[0] @ axes[1], -1, 1))))


@settings(max_examples=15, deadline=None)
@given(
    yaw_deg=st.floats(0, 360),
    pitch_deg=st.floats(-90, -50),
    roll_deg=st.floats(-5, 5),
    height_m=st.floats(40, 200),
    east_m=st.floats(-5000, 5000),
)
def test_exact_points_give_the_camera(
    yaw_deg: float, pitch_deg: float, roll_deg: float, height_m: float, east_m: float
) -> None:
    pose = Pose(yaw_deg, pitch_deg, roll_deg, height_m)
    truth = GroundCamera(pose, GroundPoint(east_m, -300.0))
    fit = resect(CAMERA, *points(truth, 60), start_near(truth), tilt_sd_deg=45.0)
    assert fit is not None
    assert away_m(fit, truth) < 0.5  # the prior pulls a little
    assert fit.camera.pose.height_m == pytest.approx(height_m, abs=0.3)
    assert turn_between(fit.camera.pose.heading_deg, pose.heading_deg) < 0.3
    assert fit.residuals_m.max() < 0.2
    assert fit.position_sd_m < 2.0
    # The homography says the same as the camera.
    pixels, ground = points(truth, 30, seed=1)
    np.testing.assert_allclose(project(fit.homography, pixels), ground, atol=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_forty_percent_of_wrong_points_do_no_harm(seed: int) -> None:
    truth = GroundCamera(Pose(200.0, -85.0, 1.0, 100.0), GroundPoint(500.0, 800.0))
    pixels, ground = points(truth, 100, seed=seed)
    rng = np.random.default_rng(seed)
    right = ground.copy()
    ground[:40] += rng.uniform(-12, 12, (40, 2))
    ground += rng.normal(0, 0.3, ground.shape)
    fit = resect(CAMERA, pixels, ground, start_near(truth))
    assert fit is not None
    assert away_m(fit, truth) < 2.0
    assert turn_between(fit.camera.pose.heading_deg, truth.pose.heading_deg) < 0.5
    off = np.hypot(*(project(fit.homography, pixels) - right).T)
    assert np.median(off) < 0.4
    assert np.median(fit.residuals_m[40:]) < 1 < np.median(fit.residuals_m[:40])


@pytest.mark.parametrize("seed", range(3))
def test_the_prior_holds_the_tilt_where_points_say_nothing_of_it(seed: int) -> None:
    truth = GroundCamera(Pose(30.0, -90.0, 0.0, 100.0), GroundPoint(0.0, 0.0))
    rng = np.random.default_rng(seed)
    across = rng.uniform(100, 1100, 20)
    pixels = np.stack([across, np.full(20, 450.0)], axis=1)  # on a line
    ground = project(ground_homography(CAMERA, truth.pose), pixels)
    ground += rng.normal(0, 1.0, ground.shape)
    fit = resect(CAMERA, pixels, ground, truth, tilt_sd_deg=2.0)
    assert fit is not None
    assert tilt_between(fit.camera.pose, truth.pose) < 2.0
    assert away_m(fit, truth) < 5.0


def test_a_loose_prior_lets_points_correct_the_tilt() -> None:
    truth = GroundCamera(Pose(0.0, -80.0, 0.0, 100.0), GroundPoint(0.0, 0.0))
    supposed = GroundCamera(Pose(0.0, -90.0, 0.0, 100.0), GroundPoint(0.0, 17.0))
    pixels, ground = points(truth, 80)
    held, free = (resect(CAMERA, pixels, ground, supposed, tilt_sd_deg=sd) for sd in (0.05, 15.0))
    assert held is not None
    assert free is not None
    assert tilt_between(free.camera.pose, truth.pose) < 0.5
    assert tilt_between(held.camera.pose, truth.pose) > 2.0


def test_fewer_points_are_less_certain() -> None:
    truth = GroundCamera(Pose(30.0, -90.0, 0.0, 100.0), GroundPoint(0.0, 0.0))
    spread = []
    for count in (8, 200):
        pixels, ground = points(truth, count)
        ground = ground + np.random.default_rng(1).normal(0, 1.0, ground.shape)
        fit = resect(CAMERA, pixels, ground, truth)
        assert fit is not None
        spread.append((fit.position_sd_m, fit.heading_sd_deg))
    assert spread[0][0] > spread[1][0] > 0
    assert spread[0][1] > spread[1][1] > 0


def test_the_order_of_points_does_not_matter() -> None:
    truth = GroundCamera(Pose(30.0, -88.0, 0.0, 100.0), GroundPoint(10.0, 0.0))
    pixels, ground = points(truth, 50)
    ground = ground + np.random.default_rng(1).normal(0, 0.5, ground.shape)
    order = np.random.default_rng(2).permutation(50)
    one = resect(CAMERA, pixels, ground, start_near(truth))
    other = resect(CAMERA, pixels[order], ground[order], start_near(truth))
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.camera.position, other.camera.position, atol=0.01)
    np.testing.assert_allclose(one.residuals_m[order], other.residuals_m, atol=0.01)


def test_points_of_a_mirrored_ground_fit_no_camera_well() -> None:
    truth = GroundCamera(Pose(0.0, -90.0, 0.0, 100.0), GroundPoint(0.0, 0.0))
    pixels, ground = points(truth, 60)
    fit = resect(CAMERA, pixels, ground * [-1, 1], start_near(truth))
    assert fit is None or np.median(fit.residuals_m) > 5
