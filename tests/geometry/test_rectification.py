"""Photos seen from above: in metres, heading up, every pixel where the camera's geometry has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoloc.geometry.camera import Camera, Pose, ground_homography, project
from geoloc.geometry.rectification import MAX_REACH, RectifiedPhoto, rectify
from tests.fixtures.photos import coordinates

CAMERA = Camera(640, 480, 500.0)
PHOTO = coordinates(640, 480)


def ground_of(view: RectifiedPhoto, xy_px: np.ndarray) -> np.ndarray:
    """Ground metres (N, 2) of places in the view, by way of the photo and the camera."""
    return project(ground_homography(view.camera, view.pose), project(view.to_photo, xy_px))


def photo_column_and_row(view: RectifiedPhoto, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where in the photo the view's pixels were taken, as their colours tell."""
    red, green, _ = view.pixels[rows, columns].astype(float).T
    return np.stack([red * 639 / 255 + 0.5, green * 479 / 255 + 0.5], axis=1)


@pytest.mark.parametrize("height_m", [50.0, 120.0])
def test_a_nadir_view_has_its_scale_and_its_middle(height_m: float) -> None:
    view = rectify(PHOTO, CAMERA, Pose(77.0, -90.0, 0.0, height_m), gsd_m=0.5)
    assert view is not None
    height, width = view.pixels.shape[:2]
    assert width == pytest.approx(640 * height_m / 500 / 0.5, abs=1)
    assert height == pytest.approx(480 * height_m / 500 / 0.5, abs=1)
    np.testing.assert_allclose(view.centre_px, [width / 2, height / 2], atol=0.6)
    assert view.valid is None
    assert view.gsd_m == 0.5
    assert view.pose.yaw_deg == 0  # the view's up is the photo's, whatever the yaw


@settings(max_examples=40, deadline=None)
@given(
    pitch_deg=st.floats(-90, -45),
    roll_deg=st.floats(-10, 10),
    height_m=st.floats(40, 200),
    yaw_deg=st.floats(0, 360),
)
def test_pixels_of_the_view_are_metres_of_the_ground(
    pitch_deg: float, roll_deg: float, height_m: float, yaw_deg: float
) -> None:
    pose = Pose(yaw_deg, pitch_deg, roll_deg, height_m)
    view = rectify(PHOTO, CAMERA, pose, gsd_m=height_m / 150)
    assert view is not None
    middle = project(view.to_photo, view.centre_px[None])
    np.testing.assert_allclose(middle, [[320, 240]], atol=1e-6)
    inside = view.centre_px + np.array([[0, 0], [20, 0], [0, 20]])
    origin, right, down = ground_of(view, inside)
    np.testing.assert_allclose(right - origin, [20 * view.gsd_m, 0], atol=1e-6 * height_m)
    np.testing.assert_allclose(down - origin, [0, -20 * view.gsd_m], atol=1e-6 * height_m)


@settings(max_examples=25, deadline=None)
@given(pitch_deg=st.floats(-90, -45), roll_deg=st.floats(-10, 10), seed=st.integers(0, 10_000))
def test_pixels_of_the_view_come_from_where_the_camera_saw_them(
    pitch_deg: float, roll_deg: float, seed: int
) -> None:
    view = rectify(PHOTO, CAMERA, Pose(0.0, pitch_deg, roll_deg, 100.0), gsd_m=0.4)
    assert view is not None
    height, width = view.pixels.shape[:2]
    rng = np.random.default_rng(seed)
    columns, rows = rng.integers(0, width, 200), rng.integers(0, height, 200)
    expected = project(view.to_photo, np.stack([columns + 0.5, rows + 0.5], axis=1))
    inside = ((expected > 8) & (expected < [632, 472])).all(axis=1)
    # Ground beyond the reach is left out on purpose.
    ground = project(ground_homography(CAMERA, Pose(0.0, pitch_deg, roll_deg, 100.0)), expected)
    inside &= np.hypot(*ground.T) < 0.97 * MAX_REACH * 100.0
    if view.valid is not None:
        assert (view.valid[rows, columns][inside]).mean() > 0.97
        outside = ~((expected > -8) & (expected < [648, 488])).all(axis=1)
        assert not view.valid[rows, columns][outside].any()
    seen = photo_column_and_row(view, columns, rows)
    # A level of the code is 2.5 pixels wide.
    assert np.abs(seen - expected)[inside].max() < 4


def test_known_ground_lies_ahead_in_a_tilted_view() -> None:
    view = rectify(PHOTO, CAMERA, Pose(0.0, -45.0, 0.0, 100.0), gsd_m=0.5)
    assert view is not None
    # The optical axis meets the ground as far ahead as the camera is high.
    np.testing.assert_allclose(ground_of(view, view.centre_px[None]), [[0, 100]], atol=1e-6)
    ahead = view.centre_px + np.array([[0.0, -60.0]])  # 30 m further ahead is up
    np.testing.assert_allclose(ground_of(view, ahead), [[0, 130]], atol=1e-6)
    assert view.valid is not None  # a trapezium leaves corners of the view empty
    assert not view.valid[-1, 0]
    assert not view.valid[-1, -1]
    column, row = view.centre_px.astype(int)
    assert view.valid[row, column]


@pytest.mark.parametrize("pitch_deg", [40.0, 90.0])
def test_a_photo_of_the_sky_has_no_view(pitch_deg: float) -> None:
    assert rectify(PHOTO, CAMERA, Pose(0.0, pitch_deg, 0.0, 100.0), gsd_m=0.5) is None


def test_a_photo_with_its_middle_in_the_sky_has_no_view() -> None:
    assert rectify(PHOTO, CAMERA, Pose(0.0, 5.0, 0.0, 100.0), gsd_m=0.5) is None


@pytest.mark.parametrize("pitch_deg", [-30.0, -15.0])
def test_a_flat_view_ends_well_before_the_horizon(pitch_deg: float) -> None:
    view = rectify(PHOTO, CAMERA, Pose(0.0, pitch_deg, 0.0, 100.0), gsd_m=1.0)
    assert view is not None
    assert view.valid is not None
    rows, columns = np.nonzero(view.valid)
    ground = ground_of(view, np.stack([columns + 0.5, rows + 0.5], axis=1))
    away = np.hypot(*ground.T)
    assert np.nanmax(away) <= MAX_REACH * 100 + 2
    assert np.isfinite(away).mean() > 0.99
    assert max(view.pixels.shape) <= 2 * MAX_REACH * 100 + 2


def test_a_height_gone_wild_has_no_view() -> None:
    assert rectify(PHOTO, CAMERA, Pose(0.0, -90.0, 0.0, 20_000.0), gsd_m=0.3) is None


def test_a_fine_photo_is_shrunk_without_aliasing() -> None:
    checkers = ((np.indices((960, 1280)).sum(axis=0) % 2) * 255).astype(np.uint8)
    photo = np.repeat(checkers[..., None], 3, axis=2)
    view = rectify(photo, Camera(1280, 960, 1000.0), Pose(0.0, -90.0, 0.0, 100.0), gsd_m=0.37)
    assert view is not None
    inner = view.pixels[8:-8, 8:-8].astype(float)
    assert abs(inner.mean() - 127.5) < 2
    assert inner.std() < 25
