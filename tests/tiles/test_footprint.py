"""Footprints of tiles in degrees."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine

from geoloc.geometry.crs import as_crs, to_lonlat
from geoloc.tiles.footprint import window_centres, window_polygons
from geoloc.tiles.grid import GridOptions, RasterFrame, TileWindow, grid_rows


def test_many_footprints_are_those_of_one_by_one() -> None:
    frame = RasterFrame(as_crs(3413), Affine(5e4, 0, -1e6, 0, -5e4, 1e6), 40, 40)
    windows = [w for row in grid_rows(frame, GridOptions(9e5, 16, 0.2)) for w in row]
    alone = [window_polygons(frame, [w], 16)[0] for w in windows]
    assert window_polygons(frame, windows, 16).tolist() == alone
    assert all(polygon.is_valid and shapely.is_ccw(polygon.exterior) for polygon in alone[:1])


def test_no_tiles_have_no_footprints() -> None:
    frame = RasterFrame(as_crs(32633), Affine(1, 0, 5e5, 0, -1, 5.8e6), 40, 40)
    assert len(window_polygons(frame, [], 16)) == 0
    assert window_centres(frame, [], 16).shape == (0, 2)


def test_a_tile_across_the_antimeridian_is_counted_beyond_180() -> None:
    frame = RasterFrame(as_crs(3832), Affine(10, 0, 3339000, 0, -10, -1.9e6), 100, 100)
    window = TileWindow(0, 0, 0, 0, 100, 100, 10)
    west, _, east, _ = window_polygons(frame, [window], 100)[0].bounds
    assert west == pytest.approx(179.9948, abs=1e-3)
    assert east == pytest.approx(180.0038, abs=1e-3)
    assert window_centres(frame, [window], 100)[0] == pytest.approx([179.9992, -16.9322], abs=1e-3)
    east = TileWindow(0, 1, 50, 0, 100, 100, 10)
    assert window_centres(frame, [east], 100)[0, 0] == pytest.approx(-179.9963, abs=1e-3)


def test_a_tile_over_the_edge_of_the_earth_keeps_what_is_seen_of_it() -> None:
    frame = RasterFrame(as_crs("+proj=ortho"), Affine(1e4, 0, 0, 0, -1e4, 6.5e6), 650, 650)
    window = TileWindow(0, 0, 400, 150, 100, 100, 1e4)  # its north-east corner is sky
    seen = window_polygons(frame, [window], 100)[0]
    assert seen.is_valid
    assert np.isfinite(seen.bounds).all()
    assert seen.contains(shapely.Point(to_lonlat(frame.crs, [4.3e6], [4.3e6])[0]))
