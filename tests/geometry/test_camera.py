from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.camera import (
    Attitude,
    Camera,
    Pose,
    attitude,
    footprint,
    ground_homography,
    pose_at,
    pose_from_homography,
    project,
    rotation,
    scene_point,
)
from geoloc.geometry.panorama import Panorama, panorama_to_perspective, perspective_grid

CAMERA = Camera.from_hfov(400, 300, 90.0)

angles = st.floats(0, 359.9)
poses = st.builds(
    Pose,
    yaw_deg=angles,
    pitch_deg=st.floats(-115, -15),
    roll_deg=st.floats(-25, 25),
    height_m=st.floats(10, 400),
)


def turned_by(one_deg: float, other_deg: float) -> float:
    return abs((one_deg - other_deg + 180) % 360 - 180)


def shift(east_m: float, north_m: float) -> np.ndarray:
    return np.array([[1, 0, east_m], [0, 1, north_m], [0, 0, 1]], float)


def test_ninety_degrees_at_100_m_cover_200_m():
    ground = footprint(CAMERA, Pose(0, -90, 0, 100))
    np.testing.assert_allclose(ground, [[-100, 75], [100, 75], [100, -75], [-100, -75]], atol=1e-9)


def test_yaw_turns_the_upper_edge_clockwise():
    up = project(ground_homography(CAMERA, Pose(90, -90, 0, 100)), np.array([[200.0, 0.0]]))
    np.testing.assert_allclose(up, [[75, 0]], atol=1e-9)


def test_level_camera_looks_along_its_yaw():
    np.testing.assert_allclose(rotation(Pose(90, 0, 0, 1))[:, 2], [1, 0, 0], atol=1e-12)


def test_positive_roll_lowers_the_right_side():
    assert rotation(Pose(0, 0, 10, 1))[2, 0] < 0


def test_oblique_view_meets_the_ground_as_far_ahead_as_it_is_high():
    point = scene_point(CAMERA, Pose(30, -45, 0, 100))
    assert point is not None
    assert math.hypot(*point) == pytest.approx(100)
    assert math.degrees(math.atan2(point.east_m, point.north_m)) == pytest.approx(30)


def test_scene_point_of_the_sky_is_none():
    assert scene_point(CAMERA, Pose(0, 10, 0, 100)) is None


def test_fields_of_view_agree_with_the_focal_length():
    assert CAMERA.focal_px == pytest.approx(200)
    assert CAMERA.hfov_deg == pytest.approx(90)
    assert CAMERA.vfov_deg == pytest.approx(2 * math.degrees(math.atan(0.75)))
    assert CAMERA.resized(200, 150).hfov_deg == pytest.approx(90)


@given(pose=poses)
def test_homography_and_its_inverse_return_the_pixel(pose):
    homography = ground_homography(CAMERA, pose)
    pixels = np.array([[200.0, 299.0], [120.0, 250.0]])
    ground = project(homography, pixels)
    seen = ~np.isnan(ground[:, 0])
    back = np.column_stack([ground, np.ones(2)]) @ np.linalg.inv(homography).T
    np.testing.assert_allclose((back[:, :2] / back[:, 2:])[seen], pixels[seen], atol=1e-5)


@given(pose=poses)
def test_footprint_stays_within_the_distance_and_holds_finite_metres(pose):
    ground = footprint(CAMERA, pose, max_distance_m=700)
    assert np.isfinite(ground).all()
    assert (np.hypot(*ground.T) <= 700 + 1e-6).all()


def test_footprint_across_the_horizon_is_cut_and_reaches_the_limit():
    ground = footprint(CAMERA, Pose(0, -10, 0, 100), max_distance_m=500)
    distances_m = np.hypot(*ground.T)
    assert distances_m.max() == pytest.approx(500)
    assert distances_m.min() == pytest.approx(100 / math.tan(math.radians(10 + 36.87)), rel=1e-3)
    assert (ground[:, 1] > 0).all()


def test_footprint_of_the_sky_is_empty():
    assert footprint(CAMERA, Pose(0, 60, 0, 100)).shape == (0, 2)


@settings(max_examples=200)
@given(
    pose=poses,
    east_m=st.floats(-1000, 1000),
    north_m=st.floats(-1000, 1000),
    scale=st.sampled_from([1.0, -3.0, 1e-3]),
)
def test_pose_comes_back_from_its_homography(pose, east_m, north_m, scale):
    homography = scale * shift(east_m, north_m) @ ground_homography(CAMERA, pose)
    found = pose_from_homography(CAMERA, homography)
    assert found is not None
    np.testing.assert_allclose(found.position, [east_m, north_m], atol=1e-5)
    assert found.pose.height_m == pytest.approx(pose.height_m)
    np.testing.assert_allclose(rotation(found.pose), rotation(pose), atol=1e-7)
    assert turned_by(found.pose.heading_deg, pose.heading_deg) < 1e-4
    if abs(pose.pitch_deg + 90) > 1:
        assert turned_by(found.pose.yaw_deg, pose.yaw_deg) < 1e-4
        assert found.pose.pitch_deg == pytest.approx(pose.pitch_deg, abs=1e-4)
        assert found.pose.roll_deg == pytest.approx(pose.roll_deg, abs=1e-4)


@pytest.mark.parametrize("pitch_deg", [-90.0, -80.0, -45.0])
def test_pose_survives_a_metre_of_noise(pitch_deg):
    rng = np.random.default_rng(5)
    pose = Pose(200, pitch_deg, 2, 120)
    homography = ground_homography(CAMERA, pose)
    pixels = np.array([[x, y] for x in (0.0, 200, 400) for y in (100.0, 200, 300)])
    ground = project(homography, pixels) + rng.normal(0, 0.3, (9, 2))
    rows = []
    for (x, y), (east, north) in zip(pixels, ground, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -east * x, -east * y, -east]]
        rows += [[0, 0, 0, x, y, 1, -north * x, -north * y, -north]]
    noisy = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    found = pose_from_homography(CAMERA, noisy)
    assert found is not None
    assert turned_by(found.pose.heading_deg, pose.heading_deg) < 2
    assert found.pose.pitch_deg == pytest.approx(pitch_deg, abs=4)
    assert math.hypot(*found.position) < 8
    assert found.pose.height_m == pytest.approx(120, abs=6)


def test_heading_of_a_nadir_photo_survives_sideways_tilt():
    tilted = Pose(90, -89, -90, 100)  # leans east by a degree, its upper edge to the north
    assert turned_by(tilted.heading_deg, 0) < 1e-6


def test_upside_down_nadir_gimbal_heads_the_other_way():
    assert turned_by(Pose(20, -90, 180, 100).heading_deg, 200) < 1e-9


def test_mirrored_homography_has_no_camera():
    mirrored = np.diag([1, -1, 1]) @ ground_homography(CAMERA, Pose(10, -60, 0, 100))
    assert pose_from_homography(CAMERA, mirrored) is None


@pytest.mark.parametrize("broken", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_singular_homography_has_no_camera(broken):
    assert pose_from_homography(CAMERA, broken) is None


def azimuths(width_px: int = 360, height_px: int = 180) -> np.ndarray:
    """A panorama whose red is half its azimuth and whose green is its fall from the zenith."""
    rows, columns = np.mgrid[:height_px, :width_px]
    return np.stack([columns // 2, rows, rows * 0], -1).astype(np.uint8)


@pytest.mark.parametrize(("yaw_deg", "column"), [(180.0, 180), (270.0, 270), (225.0, 225)])
def test_view_of_a_panorama_looks_where_it_is_told(yaw_deg, column):
    panorama = Panorama.whole(360, 180, heading_deg=180.0)
    view = panorama_to_perspective(
        azimuths(), panorama, camera=Camera.from_hfov(61, 41, 60), pose=Pose(yaw_deg, 0, 0, 2)
    )
    assert view.shape == (41, 61, 3)
    assert int(view[20, 30, 0]) == pytest.approx(column / 2, abs=1)
    assert int(view[20, 30, 1]) == pytest.approx(90, abs=1)
    assert view[20, 60, 0] > view[20, 0, 0]
    assert view[0, 30, 1] < view[40, 30, 1]


def test_pitch_of_a_view_lowers_it():
    grid = perspective_grid(
        Panorama.whole(360, 180), Camera.from_hfov(61, 41, 60), Pose(0, -30, 0, 2)
    )
    assert grid.rows[20, 30] == pytest.approx(119.5, abs=0.01)
    assert grid.columns.dtype == np.float32


def test_view_across_the_seam_of_a_panorama_has_no_gap():
    pixels = np.full((180, 360, 3), 200, np.uint8)
    view = panorama_to_perspective(
        pixels,
        Panorama.whole(360, 180),
        camera=Camera.from_hfov(50, 50, 90),
        pose=Pose(180, 0, 0, 1),
    )
    assert (view == 200).all()


def test_what_a_cropped_panorama_lacks_is_black():
    cropped = Panorama(360, 180, left_px=90, top_px=45)
    pixels = np.full((90, 180, 3), 200, np.uint8)
    camera = Camera.from_hfov(50, 50, 60)
    ahead = panorama_to_perspective(pixels, cropped, camera=camera, pose=Pose(0, 0, 0, 1))
    behind = panorama_to_perspective(pixels, cropped, camera=camera, pose=Pose(180, 0, 0, 1))
    assert (ahead == 200).all()
    assert (behind == 0).all()


def test_resized_panorama_keeps_its_crop():
    half = Panorama(360, 180, left_px=90, top_px=45).resized(0.5)
    assert (half.full_width_px, half.left_px, half.top_px) == (180, 45, 22)


@pytest.mark.parametrize("heading_deg", [10.0, 213.0])
@pytest.mark.parametrize("pitch_deg", [-100.0, -90.0, -89.0, -45.0, 0.0, 20.0])
@pytest.mark.parametrize("roll_deg", [-60.0, 0.0, 2.0])
def test_an_attitude_comes_back_from_its_pose(
    heading_deg: float, pitch_deg: float, roll_deg: float
) -> None:
    angles = Attitude(heading_deg, pitch_deg, roll_deg)
    pose = pose_at(angles, 100.0)
    assert attitude(pose) == pytest.approx(angles, abs=1e-9)
    assert pose.heading_deg == pytest.approx(heading_deg, abs=1e-9)


def test_a_sideways_tilt_at_the_nadir_is_a_roll_and_turns_nothing() -> None:
    angles = attitude(Pose(300.0, -88.0, -90.0, 100.0))
    assert angles == pytest.approx((210.0, -90.0, -2.0), abs=1e-6)
