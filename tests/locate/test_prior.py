"""Claims about what is known beforehand of where photos were taken."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from geoloc.errors import OptionError
from geoloc.index.map_index import MapIndex
from geoloc.locate.prior import open_prior, rows_in_area
from geoloc.locate.run_facts import options_text
from geoloc.options import LocateOptions
from geoloc.photos.metadata import PhotoMetadata
from tests.fixtures.search import SearchWorld

PHOTO = Path("photos/a.jpg")


def test_no_prior_supposes_nothing() -> None:
    assert open_prior(LocateOptions()) is None


def test_the_photo_s_own_position_is_one() -> None:
    prior = open_prior(LocateOptions(prior="exif", prior_radius_m=50.0))
    assert prior is not None
    assert prior.place_of(PHOTO, PhotoMetadata(lon=13.0, lat=52.0)) == (13.0, 52.0)
    assert prior.place_of(PHOTO, PhotoMetadata(lon=13.0)) is None
    assert (prior.radius_m, prior.is_hard) == (50.0, False)


def test_one_place_serves_all_photos() -> None:
    prior = open_prior(LocateOptions(prior="near:13.4,-52.5,800", prior_kind="hard"))
    assert prior is not None
    assert prior.place_of(PHOTO, PhotoMetadata()) == (13.4, -52.5)
    assert (prior.radius_m, prior.is_hard) == (800.0, True)


def test_a_table_has_a_place_for_each_photo(tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("photo,lon,lat\na.jpg,13.5,52.25\n")
    prior = open_prior(LocateOptions(prior=str(table)))
    assert prior is not None
    assert prior.place_of(PHOTO, PhotoMetadata(lon=1.0, lat=1.0)) == (13.5, 52.25)
    assert prior.place_of(Path("b.jpg"), PhotoMetadata(lon=1.0, lat=1.0)) is None
    named = options_text(LocateOptions(prior=str(table)))
    assert named is not None
    assert str(tmp_path) not in named


@pytest.mark.parametrize(
    "text", ["gps", "near:13,52", "near:13,95,10", "near:a,b,c", "near:13,52,0", "missing.csv"]
)
def test_what_is_none_of_these_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(OptionError, match=r"--prior .*expected") as caught:
        open_prior(LocateOptions(prior=text))
    assert "\n" not in str(caught.value)


def test_the_surroundings_are_rows_of_tiles_inside_the_area(search_world: SearchWorld) -> None:
    tiles = MapIndex.open(search_world.index).tiles
    place = tiles.lon[0], tiles.lat[0]
    prior = open_prior(LocateOptions(prior=f"near:{place[0]},{place[1]},10"))
    assert prior is not None
    supposed = prior.place_of(PHOTO, PhotoMetadata())
    assert supposed is not None
    near = prior.rows(supposed, tiles, None)
    assert 0 in near
    assert len(near) < len(tiles)
    assert prior.rows(supposed, tiles, np.array([0])).tolist() == [0]


def test_an_area_is_the_tiles_that_touch_it(search_world: SearchWorld, tmp_path: Path) -> None:
    tiles = MapIndex.open(search_world.index).tiles
    spot = shapely.Point(tiles.lon[0], tiles.lat[0]).buffer(1e-5)
    geopandas.GeoSeries([spot], crs="EPSG:4326").to_file(tmp_path / "aoi.geojson")
    rows = rows_in_area(tiles, str(tmp_path / "aoi.geojson"))
    assert rows is not None
    assert 0 in rows
    assert len(rows) < len(tiles)
    assert rows_in_area(tiles, None) is None


def test_an_area_beside_the_map_is_refused(search_world: SearchWorld, tmp_path: Path) -> None:
    tiles = MapIndex.open(search_world.index).tiles
    away = shapely.Point(-100.0, 10.0).buffer(1e-3)
    geopandas.GeoSeries([away], crs="EPSG:4326").to_file(tmp_path / "away.geojson")
    with pytest.raises(OptionError, match="touches no tile"):
        rows_in_area(tiles, str(tmp_path / "away.geojson"))
