"""Claims about a photo over the ground."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import PhotoError
from geoloc.geometry.camera import Pose
from geoloc.ortho.view import photo_view
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.coordinate_photos import ground_of
from tests.fixtures.elevations import EAST, NORTH, ORIGIN, write_elevation
from tests.fixtures.located import HEIGHT_PX, WIDTH_PX, located

PIXELS = np.array([[0.0, 0.0], [400.0, 300.0], [123.5, 250.0], [200.0, 150.0]])
POSES = [Pose(0, -90, 0, 100), Pose(40, -70, 3, 100), Pose(200, -55, -8, 60)]


@pytest.mark.parametrize("pose", POSES)
def test_a_pixel_sees_its_ground(pose: Pose) -> None:
    view = photo_view(located(pose=pose), reach=10)
    points = view.ground_at(PIXELS)
    np.testing.assert_allclose(points[:, :2], ground_of(view.solved, PIXELS), atol=1e-6)
    assert (points[:, 2] == 0).all()


@pytest.mark.parametrize(
    "distortion",
    [None, '{"model": "brown", "k1": -0.1, "p1": 0.002}', '{"model": "fisheye", "q2": -0.02}'],
)
@pytest.mark.parametrize("pose", POSES)
def test_ground_is_seen_by_its_pixel(pose: Pose, distortion: str | None) -> None:
    view = photo_view(located(pose=pose, distortion=distortion), reach=10)
    np.testing.assert_allclose(view.pixels_of(view.ground_at(PIXELS)), PIXELS, atol=1e-5)


def test_relief_moves_the_ground_of_a_pixel(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    row = located(longitude=ORIGIN.lon, latitude=ORIGIN.lat)
    view = photo_view(row, reach=4, terrain=terrain)
    points = view.ground_at(PIXELS)
    expected = ground_of(view.solved, PIXELS, (EAST, NORTH))
    np.testing.assert_allclose(points[:, :2], expected, atol=0.05)
    np.testing.assert_allclose(view.pixels_of(points), PIXELS, atol=1e-5)


def test_a_terrain_elsewhere_is_level_ground(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    view = photo_view(located(), reach=4, terrain=terrain)
    assert (view.ground_at(PIXELS)[:, 2] == 0).all()


def test_the_sky_and_what_is_past_reach_have_no_ground() -> None:
    view = photo_view(located(pose=Pose(0, -20, 0, 100)), reach=2.5)
    top, middle, bottom = view.ground_at(np.array([[200.0, 0.0], [200.0, 148.0], [200.0, 300.0]]))
    assert np.isnan(top).all()
    assert np.isnan(middle).all()  # 281 m ahead
    assert math.hypot(bottom[0], bottom[1]) < 250


def test_an_outline_ends_at_reach() -> None:
    view = photo_view(located(pose=Pose(0, -20, 0, 100)), reach=3)
    away = np.hypot(*view.outline().T)
    assert away.max() == pytest.approx(300)
    assert away.min() < 120


def test_a_photo_of_the_sky_shows_no_ground() -> None:
    with pytest.raises(PhotoError, match="shows no ground within 400 m"):
        photo_view(located(pose=Pose(0, 40, 0, 100)), reach=4).outline()


def test_what_lies_behind_the_camera_is_in_no_pixel() -> None:
    view = photo_view(located(pose=Pose(0, -20, 0, 100)), reach=3)
    assert np.isnan(view.pixels_of(np.array([[0.0, -200.0, 0.0]]))).all()


def test_distortion_folds_nothing_back_into_the_photo() -> None:
    # Past its field this polynomial turns round: a point far outside would fall into the middle.
    row = located(pose=Pose(0, -90, 0, 100), distortion='{"model": "brown", "k1": -0.15}')
    far = photo_view(row, reach=10).pixels_of(np.array([[258.0, 0.0, 0.0]]))
    assert np.isnan(far).all()


def test_the_gsd_is_that_of_the_middle() -> None:
    view = photo_view(located(pose=Pose(0, -90, 0, 100)), reach=4)
    assert view.gsd_m() == pytest.approx(100 / view.solved.camera.focal_px, rel=1e-6)
    assert view.tilt_deg == pytest.approx(0)


def test_an_oblique_photo_takes_the_gsd_of_what_it_shows() -> None:
    gsd_m = photo_view(located(pose=Pose(0, -5, 0, 100)), reach=4).gsd_m()
    assert 0.3 < gsd_m < 3


def test_a_row_without_a_camera_is_refused() -> None:
    with pytest.raises(PhotoError, match="states no whole camera"):
        photo_view(replace(located(), hfov_deg=None), reach=4)


def test_the_edge_belongs_to_the_photo() -> None:
    view = photo_view(located(), reach=4)
    at = np.array([[0.0, 0.0], [WIDTH_PX, HEIGHT_PX], [-0.01, 5.0], [np.nan, 1.0]])
    assert view.inside(at).tolist() == [True, True, False, False]
