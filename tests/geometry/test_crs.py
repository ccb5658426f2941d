"""Coordinate systems and true ground distances."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.errors import CrsError
from geoloc.geometry import crs as crs_module
from geoloc.geometry.crs import (
    LocalFrame,
    LonLat,
    as_crs,
    crs_text,
    distance_m,
    distances_m,
    geocentric_m,
    ground_scales,
    to_lonlat,
    transformer,
)

LONS, LATS = st.floats(-179.9, 179.9), st.floats(-85, 85)


@pytest.mark.parametrize("value", [None, "", "EPSG:999999", "nonsense", 'LOCAL_CS["here"]'])
def test_a_missing_unknown_or_local_crs_is_refused(value: object) -> None:
    with pytest.raises(CrsError):
        as_crs(value)


@pytest.mark.parametrize("value", ["EPSG:32633", "EPSG:4326", "+proj=aeqd +lat_0=1 +lon_0=2"])
def test_the_text_of_a_crs_leads_back_to_it(value: str) -> None:
    assert as_crs(crs_text(as_crs(value))) == as_crs(value)


def test_transformers_take_longitude_first_and_are_kept() -> None:
    x, y = transformer("EPSG:4326", "EPSG:32633").transform(15, 0)
    assert (x, y) == pytest.approx((500_000, 0))
    assert transformer("EPSG:4326", "EPSG:32633") is transformer("EPSG:4326", "EPSG:32633")


def test_a_transformer_is_that_of_its_crs_however_many_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crs_module, "_MOST_KEPT", 2)
    for zone in (31, 32, 33, 34, 31, 33):
        # A new object each time, which may lie where one lay that is gone.
        x, _ = transformer(as_crs("EPSG:4326"), as_crs(f"EPSG:326{zone}")).transform(15, 0)
        assert x == pytest.approx(500_000 + 668_000 * (33 - zone), abs=20_000)


def test_threads_share_a_transformer_and_each_transforms_right() -> None:
    """pyproj makes a Transformer safe to share since 3.1."""
    lon, lat = np.linspace(12, 18, 2000), np.linspace(-60, 60, 2000)
    alone = transformer(4326, 32633).transform(lon, lat)
    here = transformer(4326, 32633).transform(15, -60)
    assert here == pytest.approx((500_000, -6_651_411.19), abs=0.01)
    all_there = threading.Barrier(8)

    def work(_: int) -> tuple[object, bool]:
        all_there.wait()
        shared = transformer(4326, 32633)
        found = [shared.transform(lon, lat) for _ in range(20)]
        return shared, all(np.array_equal(each, alone) for each in found)

    with ThreadPoolExecutor(8) as pool:
        shared, right = zip(*pool.map(work, range(8)), strict=True)
    assert all(right)
    assert set(map(id, shared)) == {id(transformer(4326, 32633))}


@given(LONS, LATS, st.floats(-2000, 2000), st.floats(-2000, 2000))
def test_local_metres_lead_to_degrees_and_back(lon: float, lat: float, x: float, y: float) -> None:
    frame = LocalFrame(LonLat(lon, lat))
    lonlat = frame.to_lonlat([[x, y]])
    assert frame.from_lonlat(lonlat[:, 0], lonlat[:, 1])[0] == pytest.approx([x, y], abs=1e-3)
    assert distance_m(frame.origin, LonLat(*lonlat[0])) == pytest.approx(math.hypot(x, y), abs=1e-2)


@pytest.mark.parametrize("origin", [LonLat(20.004, 24.0045), LonLat(179.999, -60), LonLat(5, 89.9)])
def test_the_local_frame_is_its_projection(origin: LonLat) -> None:
    xy_m = np.random.default_rng(1).uniform(-20_000, 20_000, (50, 2))
    xy_m[0] = 0
    frame = LocalFrame(origin)
    projected = to_lonlat(frame.crs, *xy_m.T)
    assert np.abs(frame.to_lonlat(xy_m) - projected).max() < 1e-12
    assert np.abs(frame.from_lonlat(*projected.T) - xy_m).max() < 1e-7


def test_a_local_frame_needs_no_transformer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(crs_module, "transformer")
    frame = LocalFrame(LonLat(20, 24))
    assert frame.from_lonlat(*frame.to_lonlat([[3, -4]]).T)[0] == pytest.approx([3, -4])


def test_the_local_frame_has_north_up() -> None:
    east_north = LocalFrame(LonLat(13, 52)).from_lonlat([13.001, 13.0], [52.0, 52.001])
    assert east_north[0, 0] > 60
    assert abs(east_north[0, 1]) < 0.01
    assert east_north[1, 1] > 100
    assert abs(east_north[1, 0]) < 0.01


def test_the_local_frame_takes_native_coordinates() -> None:
    frame = LocalFrame(LonLat(15, 0))
    assert frame.from_crs("EPSG:32633", [500_100], [50])[0] == pytest.approx([100, 50], rel=1e-3)


def test_one_degree_on_the_equator_is_111_km() -> None:
    assert distance_m(LonLat(0, 0), LonLat(1, 0)) == pytest.approx(111_319.49, abs=0.01)
    assert distances_m(0, 0, [1, 2], [0, 0]) == pytest.approx([111_319.49, 222_638.98], abs=0.01)


def test_a_mercator_metre_shrinks_with_the_latitude() -> None:
    x, y = transformer("EPSG:4326", "EPSG:3857").transform(10, 60)
    scale = ground_scales("EPSG:3857", [x], [y])[0]
    assert scale == pytest.approx([0.5, 0.5], rel=5e-3)
    assert scale[0] == pytest.approx(0.50125, rel=1e-4)  # the ellipsoid's share


@pytest.mark.parametrize(("lat", "metres"), [(0, 111_319.5), (60, 55_800.2)])
def test_a_degree_of_longitude_shrinks_with_the_latitude(lat: float, metres: float) -> None:
    assert ground_scales("EPSG:4326", [10], [lat])[0, 0] == pytest.approx(metres, rel=1e-5)


def test_feet_are_feet() -> None:
    scale = ground_scales("EPSG:2263", [980_000], [200_000])[0]
    assert scale == pytest.approx([0.3048, 0.3048], rel=1e-3)


def test_places_off_the_earth_have_no_scale() -> None:
    scales = ground_scales("EPSG:4326", [0.0, 0.0, 0.0], [90.0, 95.0, 0.0])
    assert np.isfinite(scales).all(axis=1).tolist() == [False, False, True]


@given(LONS, LATS, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_geocentric_lines_are_as_long_as_geodesics_nearby(
    lon: float, lat: float, east: float, north: float
) -> None:
    a, b = geocentric_m([lon, lon + east], [lat, lat + north])
    away = distances_m(lon, lat, lon + east, lat + north)[0]
    assert np.linalg.norm(a - b) == pytest.approx(away, abs=1e-3)
