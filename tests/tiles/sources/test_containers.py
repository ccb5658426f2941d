"""MBTiles, GeoPackages, archives, tile indexes, and folders that hold any of these."""

from __future__ import annotations

import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely

from geoloc.commands._path_facts import path_facts
from geoloc.errors import OptionError, OutputExistsError, RasterError
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.sources.files import expand_rasters
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.served_town import OPTIONS, errors_px

OPEN = replace(OPTIONS, bounds=None)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A folder with ``region.tif``, beside the folders of maps."""
    folder = tmp_path / "town"
    rasters.utm(folder / "region.tif")
    return folder


def mbtiles(town: Path, path: Path) -> None:
    finer = {"RESAMPLING": "BILINEAR", "ZOOM_LEVEL_STRATEGY": "UPPER"}
    rasterio.shutil.copy(town / "region.tif", path, driver="MBTiles", **finer)


def geopackage(town: Path, path: Path) -> None:
    rasterio.shutil.copy(town / "region.tif", path, driver="GPKG", TILE_FORMAT="PNG")


def vrt(town: Path, path: Path) -> None:
    rasterio.shutil.copy(town / "region.tif", path, driver="VRT")


def tile_index(town: Path, path: Path) -> None:
    with rasterio.open(town / "region.tif") as source:
        box, crs = shapely.box(*source.bounds), source.crs
    table = geopandas.GeoDataFrame(
        {"location": [str(town / "region.tif")]}, geometry=[box], crs=crs.to_wkt()
    )
    table.to_file(path, driver="GPKG", layer="index", VERSION="1.3")


def tar(town: Path, path: Path) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        archive.add(town / "region.tif", "deep/region.tif")


MAKERS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "MBTiles": ("town.mbtiles", mbtiles),
    "GeoPackage": ("town.gpkg", geopackage),
    "VRT": ("town.vrt", vrt),
    "tile index": ("town.gti.gpkg", tile_index),
    "tar": ("town.tar", tar),
    "compressed tar": ("town.tgz", tar),
}


@pytest.mark.parametrize("trait", MAKERS)
def test_tiles_of_a_container_lie_where_the_ground_lies(
    trait: str, town: Path, tmp_path: Path
) -> None:
    name, make = MAKERS[trait]
    folder = tmp_path / "maps"
    folder.mkdir()
    make(town, folder / name)
    for source, tiles_folder in ((folder / name, "a"), (folder, "b")):
        cut_tiles([str(source)], tmp_path / tiles_folder, OPEN)
        with TileSet.open(tmp_path / tiles_folder) as tiles:
            assert len(tiles) >= 16
            assert np.abs(errors_px(tiles, town)).max() < 0.5


def test_the_attribution_of_an_mbtiles_is_kept(town: Path, tmp_path: Path) -> None:
    mbtiles(town, tmp_path / "town.mbtiles")
    with closing(sqlite3.connect(tmp_path / "town.mbtiles")) as database, database:
        database.execute("INSERT INTO metadata VALUES ('attribution', 'Survey of the Town')")
    cut_tiles([str(tmp_path / "town.mbtiles")], tmp_path / "tiles", OPTIONS)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert tiles.manifest.rasters[0].attribution == "Survey of the Town"


def test_of_several_rasters_in_a_geopackage_one_has_to_be_chosen(
    town: Path, tmp_path: Path
) -> None:
    path = tmp_path / "town.gpkg"
    for table, more in (("SPRING", {}), ("AUTUMN", {"APPEND_SUBDATASET": "YES"})):
        rasterio.shutil.copy(
            town / "region.tif", path, driver="GPKG", RASTER_TABLE=table, TILE_FORMAT="PNG", **more
        )
    with pytest.raises(OptionError, match="has 2 rasters: SPRING, AUTUMN; choose one with --layer"):
        cut_tiles([str(path)], tmp_path / "tiles", OPEN)
    with pytest.raises(OptionError, match="has no raster 'winter'"):
        cut_tiles([str(path)], tmp_path / "tiles", replace(OPEN, layer="winter"))
    cut_tiles([str(path)], tmp_path / "tiles", replace(OPEN, layer="AUTUMN"))
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert np.abs(errors_px(tiles, town)).max() < 0.5


def test_a_folder_gives_each_map_once_and_nothing_else(town: Path, tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    rasters.utm(folder / "a.tif")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:  # unpacked beside it
        archive.write(folder / "a.tif", "a.tif")
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("photo.jpg", b"x")
    tar(town, folder / "b.tar")
    tile_index(town, folder / "all.gti.gpkg")  # of what lies there anyway
    geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326").to_file(
        folder / "area.gpkg", VERSION="1.3"
    )
    (folder / "notes.json").write_text("{}")
    (folder / "style.xml").write_text("<qgis/>")
    assert expand_rasters([str(folder)]) == [
        str(folder / "a.tif"),
        f"/vsitar/{folder / 'b.tar'}/deep/region.tif",
    ]


def test_a_tar_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(b"no archive")
    with pytest.raises(RasterError, match=r"cannot open .*a\.tgz.*expected a tar"):
        expand_rasters([str(tmp_path / "a.tgz")])


def test_a_container_that_changed_is_cut_anew(town: Path, tmp_path: Path) -> None:
    tar(town, tmp_path / "town.tar")
    cut_tiles([str(tmp_path / "town.tar")], tmp_path / "tiles", OPEN)
    assert cut_tiles([str(tmp_path / "town.tar")], tmp_path / "tiles", OPEN).unchanged
    rasters.write_raster(
        town / "region.tif", rasters.coded_bands()[::-1], crs="EPSG:32633",
        transform=rasters.Affine(2, 0, 390000, 0, -2, 5820000),
    )  # fmt: skip
    tar(town, tmp_path / "town.tar")
    with pytest.raises(OutputExistsError, match="has changed"):
        cut_tiles([str(tmp_path / "town.tar")], tmp_path / "tiles", OPEN)


@pytest.mark.parametrize("trait", ["MBTiles", "GeoPackage"])
def test_geoloc_info_knows_a_container_for_a_map(trait: str, town: Path, tmp_path: Path) -> None:
    name, make = MAKERS[trait]
    make(town, tmp_path / name)
    facts = path_facts(tmp_path / name)
    assert facts.kind == "raster"
