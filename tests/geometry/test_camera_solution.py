"""Claims about a camera that is solved with its lens, and about what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import (
    Attitude,
    Camera,
    GroundCamera,
    GroundPoint,
    attitude,
    pose_at,
)
from geoloc.geometry.camera_solution import (
    CameraPriors,
    CameraSolution,
    misfits_m,
    solve_camera,
)
from geoloc.geometry.ground import points_on_ground
from geoloc.geometry.terrain import TerrainGround

LENS = Camera.from_hfov(800, 600, 70.0)


def placed(pitch_deg: float, roll_deg: float = 1.0) -> GroundCamera:
    return GroundCamera(pose_at(Attitude(40.0, pitch_deg, roll_deg), 100.0), GroundPoint(5.0, -3.0))


def solved(
    truth: GroundCamera,
    *,
    lens: Camera = LENS,
    stated: Camera = LENS,
    noise_m: float = 0.0,
    seed: int = 0,
    ground: TerrainGround | None = None,
    **priors: float,
) -> CameraSolution:
    """The solution from 80 points that the true camera sees."""
    rng = np.random.default_rng(seed)
    photo_px = rng.uniform([0, 150], [800, 600], (80, 2))
    seen = points_on_ground(lens, truth, photo_px, *(() if ground is None else (ground,)))
    seen[:, :2] += rng.normal(0, noise_m, (80, 2))
    start = GroundCamera(replace(truth.pose, height_m=90.0), GroundPoint(0.0, 0.0))
    pitch_deg = priors.pop("pitch_deg", attitude(truth.pose).pitch_deg)
    found = solve_camera(stated, photo_px, seen, start, CameraPriors(pitch_deg=pitch_deg, **priors))
    assert found is not None
    return found


def replace_height(camera: GroundCamera, height_m: float) -> GroundCamera:
    return camera._replace(pose=replace(camera.pose, height_m=height_m))


def off_m(found: CameraSolution, truth: GroundCamera) -> Float64Array:
    return np.array(found.placed.position) - np.array(truth.position)


def test_pose_and_lens_come_back_where_an_oblique_photo_tells_both() -> None:
    truth, lens = placed(-40.0), Camera.from_hfov(800, 600, 62.0)
    found = solved(truth, lens=lens, focal_sd=0.3)
    assert found.camera.hfov_deg == pytest.approx(62.0, abs=0.5)
    assert found.placed.pose.height_m == pytest.approx(100.0, abs=1.0)
    assert found.attitude == pytest.approx(tuple(attitude(truth.pose)), abs=0.3)
    assert np.hypot(*off_m(found, truth)) < 1.0


def test_straight_down_a_longer_lens_is_a_higher_camera_and_it_says_so() -> None:
    found = solved(placed(-90.0), lens=Camera.from_hfov(800, 600, 62.0), focal_sd=0.1)
    assert found.focal_sd == pytest.approx(0.1, rel=0.1)
    assert found.height_sd_m == pytest.approx(0.1 * found.placed.pose.height_m, rel=0.2)
    ratio = found.placed.pose.height_m / found.camera.focal_px
    assert ratio == pytest.approx(100 / Camera.from_hfov(800, 600, 62.0).focal_px, rel=0.01)


def test_relief_tells_the_lens_from_the_height() -> None:
    nodes = np.arange(-300.0, 301.0, 5.0)
    hills = 12 * np.sin(nodes / 25)[None] + 12 * np.cos(nodes / 30)[:, None]
    ground = TerrainGround(hills, -300.0, 300.0, 5.0)
    on_hills = solved(placed(-90.0), ground=ground)
    on_level = solved(placed(-90.0))
    assert on_hills.height_sd_m < 0.5 * on_level.height_sd_m


def test_many_points_overrule_a_supposed_pitch_and_few_do_not() -> None:
    truth = placed(-70.0)
    free = solved(truth, pitch_deg=-90.0)
    held = solved(truth, pitch_deg=-90.0, independent=0.001)
    assert free.attitude.pitch_deg == pytest.approx(-70.0, abs=1.5)
    assert held.attitude.pitch_deg < -85.0


@pytest.mark.parametrize("pitch_deg", [-90.0, -45.0])
def test_the_covariance_is_that_of_independent_noise(pitch_deg: float) -> None:
    truth = placed(pitch_deg)
    squares = []
    for seed in range(60):
        found = solved(truth, noise_m=1.5, seed=seed, independent=80.0, focal_sd=1e-3)
        away = off_m(found, truth)
        squares.append(away @ np.linalg.inv(found.position_covariance) @ away)
    # Two on average for errors as large as stated; the loss that wrong points get makes it less.
    assert 0.3 < np.mean(squares) < 2.5


def test_standard_deviations_shrink_with_the_points_that_count() -> None:
    few, many = (solved(placed(-60.0), independent=n) for n in (10.0, 80.0))
    for name in ("height_sd_m", "hfov_sd_deg"):
        assert getattr(many, name) < getattr(few, name)
    assert many.attitude_sd_deg.pitch_deg < few.attitude_sd_deg.pitch_deg


def test_a_camera_that_comes_out_on_the_ground_is_none() -> None:
    truth = GroundCamera(pose_at(Attitude(40.0, -90.0, 0.0), 5.0), GroundPoint(0.0, 0.0))
    photo_px = np.random.default_rng(0).uniform(0, 600, (20, 2))
    seen = points_on_ground(LENS, truth, photo_px)
    priors = CameraPriors(pitch_deg=-90.0)
    found = [
        solve_camera(LENS, photo_px, seen, replace_height(truth, height_m), priors)
        for height_m in (6.0, 60.0)
    ]
    assert found[0] is not None
    assert found[0].placed.pose.height_m == pytest.approx(5.0, abs=0.5)
    assert found[1] is None


def test_points_are_as_far_off_as_they_lie() -> None:
    truth = placed(-90.0, roll_deg=0.0)
    photo_px = np.array([[400.0, 300.0], [100.0, 500.0]])
    seen = points_on_ground(LENS, truth, photo_px)
    seen[:, 0] += 2.0
    assert misfits_m(LENS, truth, photo_px, seen) == pytest.approx([2.0, 2.0], abs=1e-6)
