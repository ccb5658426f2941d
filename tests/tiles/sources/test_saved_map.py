"""`--save-map`: what was read of a map stays, as a Cloud Optimized GeoTIFF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geoloc.errors import OptionError, OutputExistsError
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.map_server import MapServer
from tests.fixtures.served_town import OPTIONS, errors_px


def test_a_saved_map_gives_the_tiles_of_the_server_without_it(
    server: MapServer, tmp_path: Path
) -> None:
    kept = tmp_path / "map.tif"
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    cut_tiles([template], tmp_path / "tiles", replace(OPTIONS, save_map=kept))
    asked = len(server.requests("/xyz/"))
    with rasterio.open(kept) as saved:
        assert saved.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert saved.crs.to_epsg() == 3857
        assert saved.count == 3
    server.fail(500)  # nobody asks it
    cut_tiles([str(kept)], tmp_path / "again", replace(OPTIONS, overlap=0.5))
    with TileSet.open(tmp_path / "again") as tiles:
        assert len(tiles) >= 4
        assert np.abs(errors_px(tiles, server.folder)).max() < 0.5
    assert len(server.requests("/xyz/")) == asked


def test_what_no_tile_shows_is_not_valid_in_a_saved_map(tmp_path: Path) -> None:
    source = rasters.utm(tmp_path / "region.tif").path
    # Two corners of the map: the middle is in no tile.
    area = tmp_path / "corners.geojson"
    corners = [(13.3790, 52.5187), (13.3857, 52.5150)]
    polygons = [
        [[[x, y], [x + 1e-4, y], [x + 1e-4, y + 1e-4], [x, y + 1e-4], [x, y]]] for x, y in corners
    ]
    area.write_text(f'{{"type": "MultiPolygon", "coordinates": {polygons}}}')
    kept = tmp_path / "map.tif"
    options = replace(OPTIONS, bounds=None, aoi=str(area), save_map=kept)
    cut_tiles([str(source)], tmp_path / "tiles", options)
    with rasterio.open(kept) as saved, rasterio.open(source) as original:
        window = original.window(*saved.bounds)
        valid = saved.dataset_mask() > 0
        assert np.array_equal(saved.read()[:, valid], original.read(window=window)[:, valid])
        assert valid[0, 0]
        assert valid[-1, -1]


def test_a_map_that_was_forgotten_is_saved_by_the_same_command(
    server: MapServer, tmp_path: Path
) -> None:
    template = f"{server.url}/xyz/{{z}}/{{x}}/{{y}}.png"
    cut_tiles([template], tmp_path / "tiles", OPTIONS)
    options = replace(OPTIONS, save_map=tmp_path / "map.tif")
    assert cut_tiles([template], tmp_path / "tiles", options).unchanged
    was = (tmp_path / "map.tif").stat().st_mtime_ns
    assert cut_tiles([template], tmp_path / "tiles", options).unchanged
    assert (tmp_path / "map.tif").stat().st_mtime_ns == was


def test_a_saved_map_overwrites_nothing(tmp_path: Path) -> None:
    source = rasters.utm(tmp_path / "region.tif").path
    options = replace(OPTIONS, bounds=None)
    other = tmp_path / "other.tif"
    other.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"other\.tif exists already; use --overwrite"):
        cut_tiles([str(source)], tmp_path / "tiles", replace(options, save_map=other))
    with pytest.raises(OutputExistsError, match="is the map itself; use another name"):
        cut_tiles(
            [str(source)], tmp_path / "tiles", replace(options, save_map=source, overwrite=True)
        )
    with pytest.raises(OptionError, match="is no GeoTIFF by its name"):
        cut_tiles([str(source)], tmp_path / "tiles", replace(options, save_map=tmp_path / "m.png"))
    second = rasters.utm(tmp_path / "second.tif").path
    both, saved = [str(source), str(second)], replace(options, save_map=tmp_path / "m.tif")
    with pytest.raises(OptionError, match="keeps one map, and these are 2"):
        cut_tiles(both, tmp_path / "tiles", saved)
    assert other.read_text() == "precious"
    assert not (tmp_path / "tiles").exists()
