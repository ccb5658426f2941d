"""The GeoPackage of footprints: the same as GDAL's own, and right after an edit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import CRS

from geoloc.geometry.crs import as_crs
from geoloc.tiles.footprint_layer import FootprintLayer, read_column, write_layer

COLUMNS = {"name": ["a", "ö"], "size": [0.1, 2.0], "number": [1, -2]}
METADATA = {"RESX": "0.25", "SAYS": "a < b & c"}
# One that EPSG numbers, one of another authority, one of nobody, and one that only WKT 2 can say.
SYSTEMS = {
    "epsg": "EPSG:32633",
    "degrees": "EPSG:4326",
    "esri": "ESRI:54009",
    "custom": "+proj=aeqd +lat_0=10 +lon_0=20 +datum=WGS84 +units=m",
    "new": "+proj=eqearth +datum=WGS84",
}


def _layer(crs: CRS) -> FootprintLayer:
    boxes = shapely.box([0.0, 10.0], [1.0, 20.0], [2.0, 30.0], [3.0, 40.0])
    return FootprintLayer("tiles", crs, boxes, COLUMNS, METADATA)


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_reads_as_what_gdal_writes(tmp_path: Path, name: str) -> None:
    layer = _layer(as_crs(SYSTEMS[name]))
    write_layer(tmp_path / "ours.gpkg", layer)
    frame = geopandas.GeoDataFrame(COLUMNS, geometry=layer.polygons, crs=layer.crs)
    theirs = tmp_path / "theirs.gpkg"
    frame.to_file(theirs, layer="tiles", layer_metadata=METADATA, VERSION="1.3")
    ours, told = (geopandas.read_file(tmp_path / f"{who}.gpkg") for who in ("ours", "theirs"))
    assert ours.equals(told)
    assert ours.crs == told.crs == layer.crs
    infos = [pyogrio.read_info(tmp_path / f"{who}.gpkg") for who in ("ours", "theirs")]
    for key in ("layer_name", "fields", "dtypes", "geometry_type", "features", "layer_metadata"):
        assert np.array_equal(infos[0][key], infos[1][key]), key
    assert infos[0]["total_bounds"] == infos[1]["total_bounds"] == (0, 1, 30, 40)


def test_a_part_of_it_is_found_and_an_edit_keeps_the_index_right(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write_layer(path, _layer(as_crs("EPSG:32633")))
    assert list(geopandas.read_file(path, bbox=(11, 41, 12, 42))["name"]) == []
    assert list(geopandas.read_file(path, bbox=(11, 31, 12, 32))["name"]) == ["ö"]
    more = geopandas.GeoDataFrame(
        {"name": ["new"], "size": [1.0], "number": [3]},
        geometry=[shapely.box(5, 5, 6, 6)],
        crs=32633,
    )
    pyogrio.write_dataframe(more, path, layer="tiles", append=True)
    assert list(geopandas.read_file(path, bbox=(5, 5, 6, 6))["name"]) == ["new"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM rtree_tiles_geom").fetchone() == (3,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_column_is_read_in_the_order_of_writing(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.gpkg", _layer(as_crs("EPSG:32633")))
    assert read_column(tmp_path / "a.gpkg", "tiles", "name") == ["a", "ö"]
