"""Maps across the antimeridian, in every way of counting longitudes."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio
import shapely

from geoloc.geometry.longitude import bounds_of
from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.fiji import CRS, LAT, write_fiji

OPTIONS = TileOptions(ground_sizes_m=(128.0,), size_px=64, overlap=0.25)


def cut(raster: Path, folder: Path, **options: object) -> TileSet:
    cut_tiles([str(raster)], folder, TileOptions(**{**vars(OPTIONS), **options}))  # type: ignore[arg-type]
    return TileSet.open(folder)


def split_area(path: Path) -> Path:
    """A square around the map, cut at the line as RFC 7946 wants it."""
    parts = [
        shapely.box(179.99, LAT - 0.01, 180, LAT + 0.01),
        shapely.box(-180, LAT - 0.01, -179.99, LAT + 0.01),
    ]
    shape = shapely.MultiPolygon(parts)
    path.write_text(shapely.to_geojson(shape))
    return path


@pytest.mark.parametrize("name", CRS)
def test_tiles_lie_where_they_are_in_every_way_of_counting(name: str, tmp_path: Path) -> None:
    raster = write_fiji(tmp_path, name)
    with cut(raster, tmp_path / "tiles") as tiles:
        table = tiles.table
        lon = table["lon"].to_numpy(float)
        assert ((lon >= -180) & (lon < 180)).all()
        assert 0 < (lon < 0).sum() < len(lon)
        widths = table.geometry.bounds["maxx"] - table.geometry.bounds["minx"]
        assert widths.max() < 0.002
        west, south, east, north = bounds_of(table.geometry.to_numpy())
        assert (west, east) == pytest.approx((179.9976, -179.9976), abs=2e-4)
        assert (south, north) == pytest.approx((LAT - 0.0023, LAT + 0.0023), abs=2e-4)


@pytest.mark.parametrize("name", ["utm_60s", "degrees_0_to_360"])
def test_areas_find_the_tiles_on_both_sides(name: str, tmp_path: Path) -> None:
    raster = write_fiji(tmp_path, name)
    ids = {}
    for label, options in {
        "all": {},
        "split": {"aoi": split_area(tmp_path / "aoi.geojson")},
        "crossing": {"bounds": (179.9, -17, -179.9, -16)},
        "east": {"bounds": (-179.9995, -17, -179, -16)},
        "east, counted on": {"bounds": (180.0005, -17, 181, -16)},
    }.items():
        with cut(raster, tmp_path / label, **options) as tiles:
            ids[label] = set(tiles.table["tile_id"])
    assert ids["all"] == ids["split"] == ids["crossing"]
    assert ids["east"] == ids["east, counted on"]
    assert 0 < len(ids["east"]) < len(ids["all"])


def test_the_mosaic_of_a_map_from_0_to_360_lies_on_the_map(tmp_path: Path) -> None:
    raster = write_fiji(tmp_path, "degrees_0_to_360")
    with cut(raster, tmp_path / "tiles"):
        pass
    mosaic = tmp_path / "tiles" / "tiles.gti.gpkg"
    with rasterio.open(raster) as source, rasterio.open(mosaic) as found:
        assert found.bounds == pytest.approx(tuple(source.bounds), abs=1e-4)
        assert found.read(1).mean() == pytest.approx(source.read(1).mean(), abs=2)
