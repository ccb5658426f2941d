"""Claims about the grid of a warped photo."""

from __future__ import annotations

import pytest

from geoloc.errors import PhotoError
from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import LonLat, as_crs
from geoloc.ortho.grid import utm_crs, utm_zone, warp_grid
from geoloc.ortho.view import photo_view
from tests.fixtures.located import located

VIEW = photo_view(located(pose=Pose(0, -90, 0, 100)), reach=4)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [(13.4, 52.5, 32633), (-180, 10, 32601), (179.99, -10, 32760), (5, 86, 32661), (5, -85, 32761)],
)
def test_a_place_has_its_zone(lon: float, lat: float, code: int) -> None:
    assert utm_crs(LonLat(lon, lat)).to_epsg() == code


def test_zones_are_counted_from_the_antimeridian() -> None:
    assert (utm_zone(-180.0), utm_zone(0.0), utm_zone(179.9)) == (1, 31, 60)


def test_pixels_lie_on_multiples_of_their_size() -> None:
    grid = warp_grid(VIEW, as_crs("EPSG:32651"), 0.5)
    assert grid.transform.a == 0.5
    assert grid.transform.e == -0.5
    assert grid.transform.c % 0.5 == 0
    assert grid.transform.f % 0.5 == 0


def test_the_photo_is_in_it_and_little_else() -> None:
    grid = warp_grid(VIEW, as_crs("EPSG:32651"))
    assert grid.gsd_m == 0.35  # 100 m / 285.6 px
    assert 400 <= grid.width_px <= 410
    assert 300 <= grid.height_px <= 310


def test_a_gsd_is_on_the_ground_whatever_the_unit() -> None:
    in_degrees = warp_grid(VIEW, as_crs("EPSG:4326"), 1.0)
    assert in_degrees.transform.e == pytest.approx(-1 / 110_750, rel=1e-3)
    mercator = warp_grid(VIEW, as_crs("EPSG:3857"), 1.0)
    assert mercator.transform.a == pytest.approx(1 / 0.9137, rel=2e-3)


def test_degrees_count_on_past_the_antimeridian() -> None:
    row = located(pose=Pose(0, -90, 0, 100), longitude=179.9999, latitude=-17.0)
    grid = warp_grid(photo_view(row, reach=4), as_crs("EPSG:4326"))
    right = grid.transform.c + grid.width_px * grid.transform.a
    assert grid.transform.c < 180 < right < 180.001


def test_a_grid_that_is_too_large_is_refused() -> None:
    with pytest.raises(PhotoError, match="ask for a coarser GSD"):
        warp_grid(VIEW, as_crs("EPSG:32651"), 0.001)


def test_a_crs_without_an_answer_there_is_refused() -> None:
    row = located(pose=Pose(0, -90, 0, 100), longitude=179.0, latitude=10.0)
    other_side = as_crs("+proj=ortho +lat_0=0 +lon_0=0 +type=crs")
    with pytest.raises(PhotoError, match="has no answer; choose another CRS"):
        warp_grid(photo_view(row, reach=4), other_side)
