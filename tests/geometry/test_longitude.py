"""Longitudes around the antimeridian."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geoloc.geometry.crs import LocalFrame, LonLat, to_lonlat
from geoloc.geometry.longitude import bounds_of, cut_at_antimeridian, in_range, near, side_by_side


def test_longitudes_are_counted_from_minus_180_and_others_keep_every_bit() -> None:
    lon = np.array([-180.0, 180.0, 13.4000000000000004, 190, -190, 359, np.inf])
    assert in_range(lon).tolist() == [-180.0, -180.0, lon[2], -170, 170, -1, np.inf]


def test_longitudes_are_counted_beside_another() -> None:
    assert near([-179.9, 179.9, 13], 179.95).tolist() == pytest.approx([180.1, 179.9, 13])


def boxes(*arcs: tuple[float, float]) -> np.ndarray:
    return np.array([shapely.box(west, -17, east, -16) for west, east in arcs])


@pytest.mark.parametrize(
    ("arcs", "west", "east"),
    [
        ([(13.1, 13.2), (13.3, 13.8)], 13.1, 13.8),
        ([(-179.9, -179.8), (179.7, 179.8)], 179.7, -179.8),
        ([(179.9, 180.1), (-179.9, -179.8), (179.8, 179.95)], 179.8, -179.8),
        ([(179.9, 180.1)], 179.9, -179.9),
        ([(200, 201)], -160, -159),
        ([(170, 180)], 170, 180),
        ([(-180, 0), (0, 180)], -180, 180),
    ],
)
def test_bounds_are_the_smallest_and_may_cross(
    arcs: list[tuple[float, float]], west: float, east: float
) -> None:
    assert bounds_of(boxes(*arcs)) == pytest.approx((west, -17, east, -16))


def test_bounds_off_the_line_are_exact() -> None:
    points = shapely.points([13.400000000000006, 13.1, 13.7], [52.1, 52.2, 52.3])
    assert bounds_of(points) == (13.1, 52.1, 13.7, 52.3)


def test_shapes_on_both_sides_of_the_line_lie_beside_each_other() -> None:
    moved = side_by_side(boxes((179.8, 179.9), (179.9, 180.1), (-179.9, -179.8)))
    assert shapely.bounds(moved)[:, 0].tolist() == pytest.approx([179.8, 179.9, 180.1])
    whole = shapely.union_all(shapely.buffer(moved, 1e-6))
    assert whole.geom_type == "Polygon"


def test_an_outline_across_the_line_is_cut_there() -> None:
    parts = cut_at_antimeridian(shapely.box(179.9, -17, 180.2, -16))
    assert sorted(part.bounds for part in parts.geoms) == [
        pytest.approx((-180, -17, -179.8, -16)),
        pytest.approx((179.9, -17, 180, -16)),
    ]
    assert parts.is_valid
    whole = shapely.box(13, 52, 14, 53)
    assert cut_at_antimeridian(whole) is whole
    assert cut_at_antimeridian(shapely.box(181, 0, 182, 1)).bounds == (-179, 0, -178, 1)


@pytest.mark.parametrize(
    ("crs", "x"),
    [(4326, 180.01), ("+proj=longlat +lon_wrap=180", 180.01), ("+proj=longlat +pm=150", 30.01)],
)
def test_positions_are_in_range_however_a_map_counts(crs: object, x: float) -> None:
    assert to_lonlat(crs, [x], [-16.8])[0].tolist() == pytest.approx([-179.99, -16.8])


def test_metres_of_a_frame_on_the_line_become_longitudes_in_range() -> None:
    lonlat = LocalFrame(LonLat(-180.0, 0.0)).to_lonlat([[-1000, 0], [0, 0], [1000, 0]])
    assert lonlat[:, 0].tolist() == pytest.approx([179.991, -180, -179.991], abs=1e-4)
