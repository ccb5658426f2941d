"""Areas of interest."""

from __future__ import annotations

import pytest
import shapely

from geoloc.errors import OptionError
from geoloc.tiles.area import Area, bounds_area, intersection


def test_everywhere_touches_all() -> None:
    assert Area().touches(shapely.box(0, 0, 1, 1))
    assert Area().digest() == ""


def test_bounds_touch_what_overlaps_them() -> None:
    area = bounds_area((10, 50, 11, 51))
    assert area.touches(shapely.box(10.9, 50.9, 12, 52))
    assert not area.touches(shapely.box(12, 50, 13, 51))


@pytest.mark.parametrize("lon", [179.5, 180.2, -179.9])
def test_bounds_may_cross_the_antimeridian(lon: float) -> None:
    area = bounds_area((179, -10, -179, 10))
    assert area.touches(shapely.Point(lon, 0).buffer(0.1))
    assert not area.touches(shapely.Point(0, 0))


@pytest.mark.parametrize("bounds", [(-180, -17, -179.9, -16), (180, -17, 180.1, -16)])
@pytest.mark.parametrize("west", [-179.95, 180.05])
def test_bounds_east_of_the_line_are_found_in_either_way_of_counting(
    bounds: tuple[float, float, float, float], west: float
) -> None:
    assert bounds_area(bounds).touches(shapely.box(west, -16.5, west + 0.01, -16.4))
    assert not bounds_area(bounds).touches(shapely.box(-west, -16.5, 0.01 - west, -16.4))


@pytest.mark.parametrize(
    "bounds",
    [
        (0, 1, 1, 0),
        (0, 0, 400, 1),
        (0, -91, 1, 1),
        (1, 0, 1, 1),
        (180, 0, -180, 1),
        (360, 0, -360, 1),
    ],
)
def test_impossible_bounds_are_refused(bounds: tuple[float, float, float, float]) -> None:
    with pytest.raises(OptionError, match="W,S,E,N"):
        bounds_area(bounds)


def test_areas_without_common_ground_are_refused() -> None:
    with pytest.raises(OptionError, match="in common"):
        intersection(bounds_area((0, 0, 1, 1)), bounds_area((2, 2, 3, 3)))
    assert intersection(Area(), bounds_area((0, 0, 1, 1))).shape is not None
