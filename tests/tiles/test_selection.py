"""The tiles that touch an area: those of the whole walk, without the walk."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from geoloc.geometry.crs import as_crs, to_lonlat
from geoloc.tiles import selection
from geoloc.tiles.area import Area, bounds_area
from geoloc.tiles.footprint import window_polygons
from geoloc.tiles.grid import GridOptions, RasterFrame, TileGrid, TileWindow, grid_rows
from geoloc.tiles.raster import open_raster
from geoloc.tiles.selection import touching_rows
from tests.fixtures.rasters import gcps_only, rotated_utm

_MERCATOR_M = 20037508.342789244
_WORLD_PX = 2_000_000


def frame(crs: object, west: float, north: float, side: float, count: int = 480) -> RasterFrame:
    """A square raster of `count` pixels a side, `side` units of its CRS wide."""
    transform = Affine(side / count, 0, west, 0, -side / count, north)
    return RasterFrame(as_crs(crs), transform, count, count)


# Each with a tile's side in metres that makes some 15 to 20 tiles a side.
RASTERS: dict[str, tuple[RasterFrame, float]] = {
    "degrees": (frame(4326, -180, 90, 180), 12e5),
    "degrees from 0 to 360": (frame(4326, 100, 60, 120), 9e5),
    "mercator": (frame(3857, -_MERCATOR_M, _MERCATOR_M, 2 * _MERCATOR_M), 2.5e6),
    "mercator around 150 east": (frame(3832, -6e6, 6e6, 12e6), 9e5),
    "around the south pole": (frame(3031, -4e6, 4e6, 8e6), 5.5e5),
    "the north pole in a corner": (frame(3413, 0, 0, 4e6), 3e5),
    "utm across the antimeridian": (frame(32660, 7e5, 8.2e6, 2e5), 14e3),
    "half the Earth and sky": (frame("+proj=ortho +lat_0=40", -8e6, 8e6, 16e6), 12e5),
    "an interrupted projection": (frame("+proj=igh", -2e7, 8e6, 16e6), 12e5),
    "sinusoidal": (frame("+proj=sinu", -2e7, 1e7, 2e7), 14e5),
    "smaller than a tile": (frame(32633, 5e5, 5.8e6, 5e3), 8e3),
}


@cache
def footprints(raster: RasterFrame, options: GridOptions) -> tuple[list[TileWindow], np.ndarray]:
    """All tiles and their footprints."""
    windows = [window for row in grid_rows(raster, options) for window in row]
    return windows, window_polygons(raster, windows, 32)


def walked(raster: RasterFrame, options: GridOptions, area: Area) -> list[TileWindow]:
    """The answer by the long way."""
    windows, polygons = footprints(raster, options)
    return [w for w, found in zip(windows, area.touches(polygons), strict=True) if found]


def selected(raster: RasterFrame, options: GridOptions, area: Area) -> list[TileWindow]:
    return [w for row in touching_rows(TileGrid(raster, options), area) for w in row]


def place_on(raster: RasterFrame, across: float, down: float) -> tuple[float, float] | None:
    """Longitude and latitude at these shares of the raster's sides."""
    x, y = raster.transform @ (across * raster.width_px, down * raster.height_px)
    lon, lat = to_lonlat(raster.crs, [x], [y])[0].tolist()
    return ((lon + 180) % 360 - 180, lat) if math.isfinite(lon + lat) else None


@pytest.mark.parametrize("name", RASTERS)
def test_the_tiles_are_those_of_the_whole_walk(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_LEAF", 2)  # so that small grids are divided deeply
    raster, ground_size_m = RASTERS[name]
    options, rng = GridOptions(ground_size_m, 32, 0.25), np.random.default_rng(4)
    found = 0
    for width_deg in (0.01, 1.0, 30.0, 30.0):
        lon, lat = place_on(raster, *rng.uniform(0, 1, 2)) or (0.0, 0.0)
        south, east = min(lat, 89.0), (lon + width_deg + 180) % 360 - 180
        north = min(90.0, south + 0.01 + width_deg * rng.uniform())
        area = bounds_area((lon, south, east, north))
        tiles = selected(raster, options, area)
        assert tiles == walked(raster, options, area)
        found += len(tiles)
    assert found


@pytest.mark.parametrize("make", [rotated_utm, gcps_only])
def test_rasters_that_are_turned_are_no_exception(make: object, tmp_path: Path) -> None:
    with open_raster(make(tmp_path / "a.tif").path) as raster:  # type: ignore[operator]
        place = place_on(raster.frame, 0.4, 0.6)
    assert place is not None
    area = Area(shapely.Point(place).buffer(5e-4))
    options = GridOptions(40.0, 32, 0.5)
    found = selected(raster.frame, options, area)
    assert 4 < len(found) < 100
    assert found == walked(raster.frame, options, area)


def test_without_an_area_every_tile_is_taken() -> None:
    raster, ground_size_m = RASTERS["mercator around 150 east"]
    options = GridOptions(ground_size_m, 32, 0.0)
    assert selected(raster, options, Area()) == walked(raster, options, Area())


@pytest.mark.parametrize(
    "bounds",
    [
        (13.4, 52.5, 13.4026, 52.5016),
        (179.99, -16.9, -179.99, -16.89),
        (-170.2, 71.0, -170.1, 71.02),
    ],
)
def test_small_bounds_of_the_whole_world_cost_what_they_hold(
    bounds: tuple[float, float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = 0
    inner = to_lonlat

    def counted(crs: object, xs: object, ys: object) -> np.ndarray:
        nonlocal positions
        positions += np.size(xs)
        return inner(crs, xs, ys)  # type: ignore[arg-type]

    monkeypatch.setattr("geoloc.geometry.crs.to_lonlat", counted)
    monkeypatch.setattr("geoloc.tiles.selection.to_lonlat", counted)
    monkeypatch.setattr("geoloc.tiles.footprint.to_lonlat", counted)
    raster = frame(3857, -_MERCATOR_M, _MERCATOR_M, 2 * _MERCATOR_M, _WORLD_PX)
    found = selected(raster, GridOptions(400.0, 32, 0.5), bounds_area(bounds))
    assert 0 < len(found) < 400
    assert positions < 200_000  # the grid has some 10 billion tiles


def test_the_rows_that_are_left_out_count_as_done() -> None:
    raster, ground_size_m = RASTERS["degrees"]
    grid = TileGrid(raster, GridOptions(ground_size_m, 32, 0.0))
    done: list[int] = []
    list(touching_rows(grid, bounds_area((-100, 10, -99, 11)), on_rows=done.append))
    assert sum(done) == len(grid)
