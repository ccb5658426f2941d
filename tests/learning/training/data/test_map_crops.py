"""Crops of a map show the ground that they say, at any bearing and size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import Geod, Transformer

from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat
from geoloc.learning.training.data.map_crops import MapCrops, open_map_crops
from geoloc.models.card import TileCrops
from tests.fixtures.rasters import write_raster
from tests.fixtures.training_data import STREET_CRS, STREET_LEFT_M, STREET_TOP_M

CROPS = TileCrops((16.0, 32.0, 128.0), 32)
_GEOD = Geod(ellps="WGS84")
_TO_MAP = Transformer.from_crs(4326, STREET_CRS, always_xy=True)


@pytest.fixture
def maps(streets: Path) -> MapCrops:
    return open_map_crops(streets, ["map_*.tif"], CROPS)


@pytest.fixture
def place() -> LonLat:
    """The corner of four pixels in the middle of the map."""
    lon, lat = _TO_MAP.transform(STREET_LEFT_M + 125, STREET_TOP_M - 125, direction="INVERSE")
    return LonLat(lon, lat)


def _expected(
    at: LonLat,
    gsd_m: float,
    bearing_deg: float,
    aside_m: tuple[float, float],
    pixel: tuple[int, int],
) -> tuple[float, float]:
    """Column and row of the map, counted from pixel centres, below a pixel of a crop of 32."""
    if any(aside_m):
        azimuth = math.degrees(math.atan2(*aside_m))
        at = LonLat(*_GEOD.fwd(*at, azimuth, math.hypot(*aside_m))[:2])
    row, column = pixel
    right_m, up_m = (column - 15.5) * gsd_m, (15.5 - row) * gsd_m
    azimuth = bearing_deg + math.degrees(math.atan2(right_m, up_m))
    lon, lat, _ = _GEOD.fwd(*at, azimuth, math.hypot(right_m, up_m))
    x, y = _TO_MAP.transform(lon, lat)
    return x - STREET_LEFT_M - 0.5, STREET_TOP_M - y - 0.5


@pytest.mark.parametrize("bearing_deg", [0.0, 30.0, 180.0, 289.0])
@pytest.mark.parametrize("aside_m", [(0.0, 0.0), (7.0, -4.0)])
def test_every_pixel_lies_where_true_north_and_metres_put_it(
    maps: MapCrops, place: LonLat, bearing_deg: float, aside_m: tuple[float, float]
) -> None:
    cut = maps.cut(maps.maps[0], place, bearing_deg=bearing_deg, aside_m=aside_m)
    assert cut.shape == (3, 32, 32, 3)
    assert cut.dtype == np.uint8
    for crop, gsd_m in zip(cut, CROPS.gsds_m, strict=True):
        for pixel in ((2, 2), (2, 29), (16, 16), (29, 5)):
            found = crop[pixel]
            wanted = _expected(place, gsd_m, bearing_deg, aside_m, pixel)
            assert found[:2] == pytest.approx(wanted, abs=1.2), (gsd_m, pixel)
            assert found[2] == 7


def test_beyond_the_map_is_the_cards_fill(streets: Path, place: LonLat) -> None:
    wide = TileCrops((512.0,), 32, fill=200)
    maps = open_map_crops(streets, ["map_code.tif"], wide)
    (crop,) = maps.cut(maps.maps[0], place, bearing_deg=0.0, aside_m=(0.0, 0.0))
    assert (crop[0] == 200).all()
    assert (crop[:, -1] == 200).all()
    assert crop[16, 16, 2] == 7


def test_a_coarse_crop_is_a_mean_and_no_sample(tmp_path: Path, place: LonLat) -> None:
    noise = np.random.default_rng(3).integers(0, 2, (3, 250, 250), np.uint8) * 255
    transform = Affine(1, 0, STREET_LEFT_M, 0, -1, STREET_TOP_M)
    write_raster(tmp_path / "noise.tif", noise, crs=STREET_CRS, transform=transform)
    maps = open_map_crops(tmp_path, ["*.tif"], TileCrops((128.0,), 8))
    (crop,) = maps.cut(maps.maps[0], place, bearing_deg=0.0, aside_m=(0.0, 0.0))
    assert noise.std() > 100
    assert crop.std() < 30
    assert crop.mean() == pytest.approx(127, abs=10)


def test_a_place_that_no_map_shows_is_an_error(maps: MapCrops, place: LonLat) -> None:
    assert maps.showing(place) == [maps.maps[0]]
    with pytest.raises(InputError, match="no map shows"):
        maps.showing(LonLat(place.lon + 0.01, place.lat))


def test_a_folder_without_such_maps_is_an_error(streets: Path) -> None:
    with pytest.raises(InputError, match=r"holds no map town_\*\.tif"):
        open_map_crops(streets, ["town_*.tif"], CROPS)
    with pytest.raises(InputError, match="none is named"):
        open_map_crops(streets, (), CROPS)
