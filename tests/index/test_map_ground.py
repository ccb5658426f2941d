"""The map on grids on the ground: pixels lie where they say, whatever the raster and bearing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS, Geod, Transformer

from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.image_size import ImageSize
from geoloc.index.ground_grid import GroundAxes, GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters

GEOD = Geod(ellps="WGS84")
FILL = 255


def cut(folder: Path, *sources: Path, **more: object) -> TileSet:
    """Virtual tiles of 120 m."""
    values = {"ground_sizes_m": (120.0,), "size_px": 32, "overlap": 0.0, "virtual": True} | more
    cut_tiles([str(path) for path in sources], folder, TileOptions(**values))  # type: ignore[arg-type]
    return TileSet.open(folder)


def grid_at(
    lon: float, lat: float, *, bearing_deg: float, gsd_m: float, side_px: int = 60
) -> GroundGrid:
    """A grid with its middle 13 m right of a place, and 21 m below."""
    axes = GroundAxes(LocalFrame(LonLat(lon, lat)), bearing_deg)
    half_m = side_px * gsd_m / 2
    return GroundGrid(axes, (13 - half_m, 21 - half_m), gsd_m, ImageSize(side_px, side_px))


def places_px(grid: GroundGrid, source: rasters.CodedRaster) -> np.ndarray:
    """Columns and rows (H, W, 2) of a raster at the pixels of a grid, by geodesics."""
    rows, cols = np.indices(grid.size) + 0.5
    right, down = grid.corner_m[0] + cols * grid.gsd_m, grid.corner_m[1] + rows * grid.gsd_m
    azimuth = grid.axes.bearing_deg + np.degrees(np.arctan2(right, -down))
    lon, lat = (np.full(right.shape, degrees) for degrees in grid.axes.frame.origin)
    lon, lat, _ = GEOD.fwd(lon, lat, azimuth, np.hypot(right, down))
    xy = Transformer.from_crs(4326, CRS(source.crs), always_xy=True).transform(lon, lat)
    return np.stack(~source.transform @ xy, axis=-1)


@pytest.mark.parametrize("bearing_deg", [0.0, 180.0, 37.0])
@pytest.mark.parametrize("trait", rasters.PLACED)
def test_every_pixel_lies_where_it_says(tmp_path: Path, trait: str, bearing_deg: float) -> None:
    source = rasters.PLACED[trait](tmp_path / f"{trait}.tif")
    with cut(tmp_path / "tiles", source.path) as tiles:
        ground = MapGround(tiles, fill=FILL)
        middle = len(tiles) // 2
        lon, lat = float(tiles.rows.lon[middle]), float(tiles.rows.lat[middle])
        for gsd_m in (0.8, 1.9, 3.3):
            grid = grid_at(lon, lat, bearing_deg=bearing_deg, gsd_m=gsd_m)
            pixels = ground.read(grid, first=tiles.rows.rasters[0])
            places = places_px(grid, source)
            inside = ((places > 6) & (places < rasters.SIDE_PX - 6)).all(axis=-1)
            errors = pixels[inside][:, :2] + 0.5 - places[inside]
            assert inside.mean() > 0.5
            assert np.abs(errors.mean(axis=0)).max() < 0.1
            assert np.abs(errors).max() < 1.1  # half of it is the rounding of a coordinate to bytes
            assert (pixels[inside][:, 2] == rasters.BLUE).all()


def test_up_is_true_north_and_not_the_north_of_the_map(tmp_path: Path) -> None:
    """At 13.4 E the grid of zone 33 is turned by 1.3 degrees: 5 pixels of 240."""
    source = rasters.utm(tmp_path / "utm.tif")
    with cut(tmp_path / "tiles", source.path) as tiles:
        lon, lat = float(tiles.rows.lon.mean()), float(tiles.rows.lat.mean())
        axes = GroundAxes(LocalFrame(LonLat(lon, lat)), 0.0)
        grid = GroundGrid(axes, (-1.0, -200.0), 2.0, ImageSize(200, 1))
        line = MapGround(tiles, fill=FILL).read(grid, first=tiles.rows.rasters[0])[:, 0]
    leaning = np.degrees(np.arctan2(int(line[0, 0]) - int(line[-1, 0]), 199))
    assert leaning == pytest.approx(1.28, abs=0.3)


def test_beyond_the_map_and_where_it_is_not_valid_is_the_fill(tmp_path: Path) -> None:
    bands = rasters.coded_bands()
    bands[:, 100:140, 100:140] = 0
    place = Affine(2, 0, 390000, 0, -2, 5820000)
    path = rasters.write_raster(
        tmp_path / "holed.tif", bands, crs="EPSG:32633", transform=place, nodata=0
    )
    source = rasters.CodedRaster(path, "EPSG:32633", place)
    with cut(tmp_path / "tiles", path) as tiles:
        lon, lat = float(tiles.rows.lon.mean()), float(tiles.rows.lat.mean())
        grid = grid_at(lon, lat, bearing_deg=180, gsd_m=4.0, side_px=200)
        pixels = MapGround(tiles, fill=FILL).read(grid, first=tiles.rows.rasters[0])
    places = places_px(grid, source)
    outside = ((places < -3) | (places > rasters.SIDE_PX + 3)).any(axis=-1)
    hole = ((places > 103) & (places < 137)).all(axis=-1)
    assert outside.any()
    assert hole.any()
    assert (pixels[outside] == FILL).all()
    assert (pixels[hole] == FILL).all()


def test_neighbouring_rasters_show_what_one_would(tmp_path: Path) -> None:
    """Two sheets of a map, whose seam lies within a pixel of the grid."""
    whole, bands = rasters.utm(tmp_path / "whole.tif"), rasters.coded_bands()
    sheets = [
        rasters.write_raster(
            tmp_path / name,
            bands[:, :, part],
            crs="EPSG:32633",
            transform=Affine(2, 0, 390000 + 2 * part.start, 0, -2, 5820000),
        )
        for name, part in (("west.tif", slice(0, 121)), ("east.tif", slice(121, 240)))
    ]
    with cut(tmp_path / "one", whole.path) as one, cut(tmp_path / "two", *sheets) as two:
        lon, lat = float(one.rows.lon.mean()), float(one.rows.lat.mean())
        for gsd_m in (1.0, 5.0):
            grid = grid_at(lon, lat, bearing_deg=20, gsd_m=gsd_m)
            expected = MapGround(one, fill=FILL).read(grid, first=one.rows.rasters[0])
            found = MapGround(two, fill=FILL).read(grid, first=two.rows.rasters[1])
            assert np.abs(found.astype(int) - expected).max() <= 2


def test_a_raster_without_a_tile_is_seen_too(tmp_path: Path) -> None:
    bands = rasters.coded_bands()
    west, east = (
        rasters.write_raster(
            tmp_path / f"{name}.tif",
            bands,
            crs="EPSG:32633",
            transform=Affine(2, 0, 390000 + shift_m, 0, -2, 5820000),
        )
        for name, shift_m in (("west", 0), ("east", 480))
    )
    with cut(tmp_path / "all", west, east) as tiles:
        is_west = tiles.rows.is_of(["west.tif", str(west), tiles.rows.rasters[0]])
        lons, lats = tiles.rows.lon[is_west], tiles.rows.lat[is_west]
        bounds = (lons.min() - 1e-4, lats.min() - 1e-4, lons.min() + 1e-4, lats.max() + 1e-4)
    with cut(tmp_path / "some", west, east, bounds=tuple(map(float, bounds))) as tiles:
        assert len(tiles.rows.rasters) == 1
        grid = grid_at(float(lons.max()), float(lats.mean()), bearing_deg=0, gsd_m=4.0)
        pixels = MapGround(tiles, fill=FILL).read(grid, first=tiles.rows.rasters[0])
        assert (pixels[30, :, 2] == rasters.BLUE).all()


def test_overlapping_rasters_show_that_of_the_cell_first(tmp_path: Path) -> None:
    place = Affine(2, 0, 390000, 0, -2, 5820000)
    dark, light = (
        rasters.write_raster(
            tmp_path / f"{grey}.tif",
            np.full((3, 240, 240), grey, np.uint8),
            crs="EPSG:32633",
            transform=place,
        )
        for grey in (50, 200)
    )
    with cut(tmp_path / "tiles", dark, light) as tiles:
        lon, lat = float(tiles.rows.lon.mean()), float(tiles.rows.lat.mean())
        grid, ground = grid_at(lon, lat, bearing_deg=0, gsd_m=1.0), MapGround(tiles, fill=FILL)
        for location, grey in zip(tiles.rows.rasters, (50, 200), strict=True):
            assert (ground.read(grid, first=location) == grey).all()
