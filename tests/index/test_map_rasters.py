"""An index and its tiles know the rasters that they are of, and name the one that has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import rasterio

from geoloc.errors import OutputExistsError, RasterError, TilesError
from geoloc.index.job import build_index
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_index import MapIndex
from geoloc.index.planning import plan_index
from tests.fixtures.indexes import options_for, write_map, write_tiles


def spoil(path: Path) -> None:
    """Change one pixel in the middle of a raster, and not its size."""
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        pixels[:, 15, 15] ^= 255
        dataset.write(pixels)


def test_an_index_keeps_the_rasters_of_its_tiles(model: Path, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif"))
    build_index(tiles, tmp_path / "index", options_for(model))
    (entry,) = IndexManifest.read(tmp_path / "index").rasters
    assert (entry.location, entry.files[0].name) == ("../map.tif", "../map.tif")


def test_tiles_cut_again_of_a_changed_raster_are_named(model: Path, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif"))
    options = options_for(model)
    build_index(tiles, tmp_path / "index", options)
    spoil(tmp_path / "map.tif")
    write_tiles(tmp_path / "tiles", tmp_path / "map.tif", overwrite=True)
    for again in (options, replace(options, append=True)):
        for run in (build_index, plan_index):
            with pytest.raises(OutputExistsError, match=r"\.\./map\.tif has changed since"):
                run(tiles, tmp_path / "index", again)
    with pytest.raises(TilesError, match=r"map\.tif has changed since the index"):
        MapIndex.open(tmp_path / "index").open_tiles()
    build_index(tiles, tmp_path / "index", replace(options, overwrite=True))
    with MapIndex.open(tmp_path / "index").open_tiles() as opened:
        assert opened.read(0).any()


def test_virtual_tiles_of_a_changed_raster_are_not_indexed(model: Path, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif"), virtual=True)
    spoil(tmp_path / "map.tif")
    with pytest.raises(TilesError, match=r"map\.tif has changed since the tiles"):
        build_index(tiles, tmp_path / "index", options_for(model))


def test_virtual_tiles_of_an_index_name_the_raster_that_changed(
    model: Path, tmp_path: Path
) -> None:
    tiles = write_tiles(tmp_path / "tiles", write_map(tmp_path / "map.tif"), virtual=True)
    build_index(tiles, tmp_path / "deep" / "index", options_for(model))
    with MapIndex.open(tmp_path / "deep" / "index").open_tiles() as opened:
        assert opened.read(0).any()
    spoil(tmp_path / "map.tif")
    with MapIndex.open(tmp_path / "deep" / "index").open_tiles() as opened:
        for i in (0, 1):
            with pytest.raises(RasterError, match=r"map\.tif has changed since its tiles"):
                opened.read(i)


def test_a_tile_that_was_cut_again_elsewhere_is_told(model: Path, tmp_path: Path) -> None:
    write_map(tmp_path / "map.tif")
    tiles = write_tiles(tmp_path / "tiles", tmp_path / "map.tif")
    build_index(tiles, tmp_path / "index", options_for(model))
    write_tiles(tmp_path / "tiles", tmp_path / "map.tif", overwrite=True, overlap=0.25)
    with MapIndex.open(tmp_path / "index").open_tiles() as opened:
        second = list(opened.table["tile_id"]).index("map_64_0_1")
        with pytest.raises(TilesError, match="lies elsewhere than its table says"):
            opened.read(second)
