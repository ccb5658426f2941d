"""Tiles at rest: where their pixels lie, with and without copies."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from pyproj import Geod

from geoloc.errors import OutputBusyError, RasterError, ShortWriteError, TilesError
from geoloc.geometry.crs import to_lonlat
from geoloc.options import TileOptions
from geoloc.tiles import table_files
from geoloc.tiles.footprint_layer import FootprintLayer
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import OVERVIEW, TILE_COLUMNS, TileSet
from tests.fixtures import mosaics, rasters
from tests.fixtures.tile_tables import table_of

GEOD = Geod(ellps="WGS84")
BOTH = pytest.mark.parametrize("virtual", [False, True], ids=["pixels", "virtual"])


def cut(path: Path, folder: Path, **options: object) -> TileSet:
    chosen = {"ground_sizes_m": (160.0,), "size_px": 64, "min_valid": 0.3} | options
    cut_tiles([str(path)], folder, TileOptions(**chosen))
    return TileSet.open(folder)


def errors_px(tiles: TileSet, source: rasters.CodedRaster) -> np.ndarray:
    """Where each valid tile pixel says it lies, less where it was taken from: (N, 2) in pixels."""
    errors = []
    for i in range(len(tiles)):
        pixels = tiles.read(i).astype(float)
        rows, cols = np.nonzero(pixels[..., 2] == rasters.BLUE)
        x, y = tiles.transform(i) @ (cols + 0.5, rows + 0.5)
        col, row = ~source.transform @ (x, y)
        said = pixels[rows, cols, :2] + 0.5
        errors.append(np.column_stack([col, row]) - said)
    return np.concatenate(errors)


@BOTH
@pytest.mark.parametrize("size_px", [64, 256], ids=["reduced", "enlarged"])
@pytest.mark.parametrize("trait", rasters.PLACED)
def test_every_tile_pixel_lies_where_it_says_to_half_a_pixel(
    tmp_path: Path, trait: str, size_px: int, virtual: bool
) -> None:
    source = rasters.PLACED[trait](tmp_path / f"{trait}.tif")
    with cut(source.path, tmp_path / "tiles", size_px=size_px, virtual=virtual) as tiles:
        errors = errors_px(tiles, source)
    # Bytes round coordinates to half a pixel, so a single pixel may show that on top of the half
    # that is allowed; the mean, free of rounding, shows what is left: nothing.
    assert len(errors) > 0.3 * len(tiles) * size_px**2
    assert np.abs(errors.mean(axis=0)).max() < 0.1
    assert np.quantile(np.abs(errors), 0.999) <= 1.0


@pytest.mark.parametrize("trait", rasters.PLACED)
def test_tiles_are_square_in_true_ground_metres(tmp_path: Path, trait: str) -> None:
    source = rasters.PLACED[trait](tmp_path / f"{trait}.tif")
    tiles = cut(source.path, tmp_path / "tiles", size_px=256)
    for i in range(len(tiles)):
        corners = [tiles.transform(i) @ corner for corner in ((0, 0), (256, 0), (0, 256))]
        lonlat = to_lonlat(tiles.crs(i), *zip(*corners, strict=True))
        for other in (1, 2):
            side_m = GEOD.inv(*lonlat[0], *lonlat[other])[2]
            assert side_m == pytest.approx(160, rel=2e-3)
    assert tiles.table["gsd_m"].to_numpy() == pytest.approx(160 / 256, rel=2e-3)


def test_neighbours_lie_half_a_tile_apart_on_the_ground(tmp_path: Path) -> None:
    tiles = cut(rasters.mercator(tmp_path / "m.tif").path, tmp_path / "tiles")
    place = tiles.table.set_index(["row", "col"])[["lon", "lat"]]
    east = GEOD.inv(*place.loc[(0, 0)], *place.loc[(0, 1)])[2]
    south = GEOD.inv(*place.loc[(0, 0)], *place.loc[(1, 0)])[2]
    assert (east, south) == pytest.approx((80, 80), abs=1.5)  # whole pixels of 2 m


def test_the_whole_raster_is_covered(tmp_path: Path) -> None:
    source = rasters.degrees(tmp_path / "d.tif")
    tiles = cut(source.path, tmp_path / "tiles", overlap=0.0)
    seen = np.zeros((rasters.SIDE_PX, rasters.SIDE_PX), dtype=bool)
    with cut(source.path, tmp_path / "virtual", overlap=0.0, virtual=True) as virtual:
        for row in virtual.table.itertuples():
            top, left = round(row.row_off), round(row.col_off)
            seen[top : top + round(row.height), left : left + round(row.width)] = True
    assert seen.all()
    assert len(tiles) == len(virtual)


@pytest.mark.parametrize("trait", rasters.PLACED)
def test_virtual_tiles_read_the_same_pixels_and_share_the_digest(
    tmp_path: Path, trait: str
) -> None:
    path = rasters.PLACED[trait](tmp_path / f"{trait}.tif").path
    copied = cut(path, tmp_path / "copied")
    with cut(path, tmp_path / "virtual", virtual=True) as virtual:
        assert virtual.digest() == copied.digest()
        assert list(virtual.table["tile_id"]) == list(copied.table["tile_id"])
        for i in range(len(copied)):
            assert np.array_equal(virtual.read(i), copied.read(i))
    assert not (tmp_path / "virtual" / "pixels").exists()


@BOTH
def test_reading_from_many_threads_gives_the_same_pixels(tmp_path: Path, virtual: bool) -> None:
    path = rasters.rotated_utm(tmp_path / "r.tif").path
    with cut(path, tmp_path / "tiles", virtual=virtual) as tiles:
        alone = [tiles.read(i) for i in range(len(tiles))]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(tiles.read, range(len(tiles))))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_fine_raster_is_copied_without_resampling(tmp_path: Path) -> None:
    path = rasters.utm(tmp_path / "u.tif").path
    tiles = cut(path, tmp_path / "tiles", size_px=80)  # 160 m at 2 m
    with rasterio.open(path) as source:
        expected = np.moveaxis(source.read(window=((0, 80), (0, 80))), 0, -1)
    assert np.array_equal(tiles.read(0), expected)


def test_the_table_is_geoparquet_with_a_bbox_covering(tmp_path: Path) -> None:
    tiles = cut(rasters.utm(tmp_path / "u.tif").path, tmp_path / "tiles")
    metadata = pq.read_schema(tmp_path / "tiles" / "tiles.parquet").metadata
    geo = json.loads(metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert "bbox" in geo["columns"]["geometry"]["covering"]
    assert set(TILE_COLUMNS) <= set(tiles.table.columns)
    assert tiles.table.crs == "EPSG:4326"
    assert tiles.table["tile_id"].is_unique
    box = tiles.table.geometry.bounds
    assert ((box["minx"] < tiles.table["lon"]) & (tiles.table["lon"] < box["maxx"])).all()


def test_gdal_opens_the_mosaic_and_finds_the_pixels_in_their_place(tmp_path: Path) -> None:
    source = rasters.utm(tmp_path / "u.tif")
    cut(source.path, tmp_path / "tiles", size_px=80)
    with rasterio.open(tmp_path / "tiles" / "tiles.gti.gpkg") as mosaic:
        assert mosaic.driver == "GTI"
        assert mosaic.crs == "EPSG:32633"
        assert mosaic.transform.almost_equals(source.transform, precision=1e-3)
        assert np.array_equal(mosaic.read(), rasters.coded_bands())


def test_the_mosaic_file_opens_as_polygons(tmp_path: Path) -> None:
    tiles = cut(rasters.utm(tmp_path / "u.tif").path, tmp_path / "tiles")
    layer = geopandas.read_file(tmp_path / "tiles" / "tiles.gti.gpkg")
    assert len(layer) == len(tiles)
    assert set(layer.geom_type) == {"Polygon"}


@pytest.mark.parametrize("options", [{"overwrite": True}, {"resume": True}])
def test_a_mosaic_that_is_open_elsewhere_is_refused_before_any_work(
    tmp_path: Path, options: dict[str, bool]
) -> None:
    first, second = rasters.utm(tmp_path / "u.tif").path, rasters.utm(tmp_path / "v.tif").path
    count = len(cut(first, tmp_path / "tiles"))
    scheme = TileOptions(ground_sizes_m=(160.0,), size_px=64, min_valid=0.3, **options)
    with closing(sqlite3.connect(tmp_path / "tiles" / "tiles.gti.gpkg")) as qgis:
        qgis.execute("PRAGMA journal_mode = wal")
        qgis.execute("UPDATE gpkg_contents SET description = 'looked at'")
        qgis.commit()
        with pytest.raises(OutputBusyError, match=r"tiles\.gti\.gpkg is open"):
            cut_tiles([str(first), str(second)], tmp_path / "tiles", scheme)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert len(tiles) == count
        assert tiles.read(count - 1).shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["write_table", "write_mosaic"])
def test_a_table_that_was_written_short_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "tiles"
    whole = cut(rasters.utm(tmp_path / "u.tif").path, folder).table
    write_layer, write_parquet = table_files.write_layer, pq.write_table

    def short_layer(path: Path, layer: FootprintLayer) -> None:
        columns = {name: values[:-1] for name, values in layer.columns.items()}
        write_layer(path, replace(layer, polygons=layer.polygons[:-1], columns=columns))

    monkeypatch.setattr(table_files, "write_layer", short_layer)
    monkeypatch.setattr(
        pq, "write_table", lambda table, path, **how: write_parquet(table[:-1], path, **how)
    )
    count = len(whole)
    with pytest.raises(ShortWriteError, match=rf"tiles\.\w+.*{count - 1} of {count} tiles"):
        getattr(table_files, name)(folder, whole)
    assert len(geopandas.read_parquet(folder / "tiles.parquet")) == count
    assert len(geopandas.read_file(folder / "tiles.gti.gpkg")) == count


def test_files_of_tiles_know_their_place(tmp_path: Path) -> None:
    tiles = cut(rasters.utm(tmp_path / "u.tif").path, tmp_path / "tiles")
    with rasterio.open(tmp_path / "tiles" / tiles.table["location"][3]) as dataset:
        assert dataset.crs == "EPSG:32633"
        assert dataset.transform.almost_equals(tiles.transform(3))


def test_a_folder_without_tiles_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(TilesError, match="geoloc tile"):
        TileSet.open(tmp_path)


def test_unfinished_tiles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tiles.partial.json").write_text("{}")
    with pytest.raises(TilesError, match="unfinished"):
        TileSet.open(tmp_path)


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiles.json").write_text("{")
    with pytest.raises(TilesError, match="damaged"):
        TileSet.open(tmp_path)


def test_a_missing_tile_is_named(tmp_path: Path) -> None:
    tiles = cut(rasters.utm(tmp_path / "u.tif").path, tmp_path / "tiles")
    (tmp_path / "tiles" / tiles.table["location"][0]).unlink()
    with pytest.raises(TilesError, match="00000_00000"):
        tiles.read(0)


@BOTH
def test_a_smaller_reading_is_the_mean_of_squares(tmp_path: Path, virtual: bool) -> None:
    source = rasters.utm(tmp_path / "town.tif")
    tiles = cut(source.path, tmp_path / "tiles", virtual=virtual)
    full = next(i for i in range(len(tiles)) if tiles.table["valid_fraction"].iloc[i] == 1)
    whole, small = tiles.read(full).astype(float), tiles.read(full, shrink=OVERVIEW)
    means = whole.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    assert small.shape == (16, 16, 3)
    assert np.abs(small - means).max() <= 1


@BOTH
@pytest.mark.parametrize("shrink", [1, 2, 8, 32])
def test_means_are_rounded_half_up_and_lie_pixel_by_pixel(
    tmp_path: Path, virtual: bool, shrink: int
) -> None:
    source = rasters.utm(tmp_path / "town.tif")
    tiles = cut(source.path, tmp_path / "tiles", virtual=virtual)
    whole, small = tiles.read(0), tiles.read(0, shrink=shrink)
    side = 64 // shrink
    means = whole.reshape(side, shrink, side, shrink, 3).mean(axis=(1, 3))
    assert whole.flags.c_contiguous
    assert small.flags.c_contiguous
    if virtual:  # of files, GDAL makes the mean
        assert np.array_equal(small, np.floor(means + 0.5))


def test_each_row_says_whether_its_pixels_are_a_window(tmp_path: Path) -> None:
    source = rasters.utm(tmp_path / "r.tif").path
    copies = cut(source, tmp_path / "copies")
    windows = cut(source, tmp_path / "windows", virtual=True)
    # As an index has them to which tiles of the other kind were added.
    table = copies.table.copy()
    table.loc[1::2, :] = windows.table.loc[1::2, :]
    with TileSet(copies.folder, copies.manifest, table_of(table)) as mixed:
        assert len(mixed) > 3
        for i in range(len(mixed)):
            assert np.array_equal(mixed.read(i), (copies, windows)[i % 2].read(i))
    assert set(table["location"] == table["raster"]) == {True, False}


def test_a_virtual_tile_names_a_source_that_has_vanished_since(tmp_path: Path) -> None:
    mosaic = mosaics.vrt(tmp_path)
    with cut(mosaic, tmp_path / "tiles", ground_sizes_m=(100.0,), virtual=True) as tiles:
        (tmp_path / "parts" / "east.tif").unlink()
        for i in range(len(tiles)):
            with pytest.raises(RasterError, match=r"east\.tif is missing"):
                tiles.read(i)
