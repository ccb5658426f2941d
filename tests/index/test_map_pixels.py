"""The map's pixels come back where they lie on the ground, from tiles and from their raster."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio

from geoloc.errors import TilesError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.map_pixels import MapPixels
from geoloc.tiles.parquet_rows import ParquetRows
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable
from tests.fixtures.indexes import write_map, write_tiles

BLOCK_M = 4.0


def index_of(tiles: Path) -> Any:
    """What `MapPixels` asks of an index, without building one."""
    opened = TileSet.open(tiles)
    scheme = opened.manifest.scheme
    table = TileTable(ParquetRows(tiles / "tiles.parquet"))
    return SimpleNamespace(tiles=table, manifest=scheme, open_tiles=lambda: opened)


def frame_of(index: Any) -> LocalFrame:
    return LocalFrame(LonLat(float(index.tiles.lon.mean()), float(index.tiles.lat.mean())))


@pytest.mark.parametrize("virtual", [False, True])
def test_a_chart_shows_the_raster_in_place(tmp_path: Path, virtual: bool) -> None:
    region = write_map(tmp_path / "map.tif")
    index = index_of(write_tiles(tmp_path / "tiles", region, virtual=virtual))
    frame = frame_of(index)
    low, high = np.array([-50.0, -30.0]), np.array([50.0, 40.0])
    map_window = MapPixels(index).around(frame, low, high, gsd_m=0.5)
    assert map_window.pixels.shape == (140, 200, 3)
    assert map_window.valid.all()
    with rasterio.open(region) as raster:
        bands, transform = raster.read(), raster.transform
    blocks = (np.indices((bands.shape[1] // 4, bands.shape[2] // 4)) + 0.5).reshape(2, -1) * 4
    xs, ys = transform.c + blocks[1], transform.f - blocks[0]
    places = (frame.from_crs("EPSG:32633", xs, ys) - map_window.corner_m) / [0.5, -0.5]
    seen = ((places > 3) & (places < [197, 137])).all(axis=1)
    assert seen.sum() > 300
    columns, rows = np.floor(places[seen]).astype(int).T
    expected = bands[:, blocks[0][seen].astype(int), blocks[1][seen].astype(int)].T
    assert np.abs(map_window.pixels[rows, columns].astype(int) - expected).max() <= 1
    back = map_window.to_ground(places[seen])
    assert np.allclose(frame.to_lonlat(back), frame.to_lonlat(map_window.to_ground(places[seen])))
    assert np.allclose(back, frame.from_crs("EPSG:32633", xs[seen], ys[seen]))


def test_beyond_the_map_a_chart_is_black_and_says_so(tmp_path: Path) -> None:
    index = index_of(write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif")))
    low, high = np.array([40.0, -20.0]), np.array([140.0, 20.0])  # the map ends at 80 m
    map_window = MapPixels(index).around(frame_of(index), low, high, gsd_m=1.0)
    assert map_window.valid[:, :38].all()
    assert not map_window.valid[:, 42:].any()
    assert not map_window.pixels[~map_window.valid].any()


def test_a_coarse_chart_shows_averages(tmp_path: Path) -> None:
    index = index_of(write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif")))
    low, high = np.full(2, -64.0), np.full(2, 64.0)
    fine, coarse = (
        MapPixels(index).around(frame_of(index), low, high, gsd_m=gsd) for gsd in (1.0, 8.0)
    )
    means = fine.pixels.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3))
    # Single pixels of four random blocks would be off by some 60 grey levels.
    assert np.abs(coarse.pixels - means).mean() < 10


@pytest.mark.parametrize("virtual", [False, True])
def test_tiles_that_are_gone_are_missed_at_once(tmp_path: Path, virtual: bool) -> None:
    region = write_map(tmp_path / "map.tif")
    index = index_of(write_tiles(tmp_path / "tiles", region, virtual=virtual))
    region.unlink()
    shutil.rmtree(tmp_path / "tiles" / "pixels", ignore_errors=True)
    with pytest.raises(TilesError, match="--matcher none"):
        MapPixels(index)
