"""The area that tiles cover together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.map_area import map_area_m2
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters


@pytest.mark.parametrize("overlap", [0.0, 0.5])
@pytest.mark.parametrize("sides_m", [(40.0,), (40.0, 80.0)], ids=["one-size", "two-sizes"])
def test_ground_under_several_tiles_counts_once(
    tmp_path: Path, overlap: float, sides_m: tuple[float, ...]
) -> None:
    grey = np.full((3, 480, 640), 90, np.uint8)
    place = Affine(1, 0, 500_000, 0, -1, 5_800_000)
    town = rasters.write_raster(tmp_path / "a.tif", grey, crs="EPSG:32633", transform=place)
    options = TileOptions(ground_sizes_m=sides_m, size_px=32, overlap=overlap, virtual=True)
    cut_tiles([str(town)], tmp_path / "tiles", options)
    with TileSet.open(tmp_path / "tiles") as tiles:
        assert map_area_m2(tiles.rows) == pytest.approx(480 * 640, rel=0.05)
