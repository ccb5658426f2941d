"""Blocks of cells: compact, of one raster each, and stable when taken alone."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.geometry.crs import distances_m
from geoloc.index.cell_blocks import axes_of, cell_blocks
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.cells import cut_cells


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> TileSet:
    """Two maps of 15 x 15 cells, at different places."""
    folder = tmp_path_factory.mktemp("cells")
    sources = [rasters.utm(folder / "utm.tif"), rasters.degrees(folder / "degrees.tif")]
    return cut_cells(folder / "tiles", *(source.path for source in sources))


@pytest.mark.parametrize(("most", "side_m"), [(1, 1e6), (20, 1e6), (1000, 100.0), (1000, 1e6)])
def test_blocks_hold_every_cell_once_and_keep_to_their_size(
    cells: TileSet, most: int, side_m: float
) -> None:
    rows = np.arange(len(cells))[3:-4]
    blocks = cell_blocks(cells.rows, rows, most=most, side_m=side_m)
    assert sorted(np.concatenate(blocks).tolist()) == rows.tolist()
    for block in blocks:
        assert len(block) <= most
        assert (np.diff(block) > 0).all()
        assert len(set(cells.rows.raster[block])) == 1
        lon, lat = cells.rows.lon[block], cells.rows.lat[block]
        away_m = distances_m(lon[:, None], lat[:, None], lon, lat)
        assert away_m.max() <= side_m * np.sqrt(2) * 1.01


def test_blocks_are_about_square(cells: TileSet) -> None:
    for block in cell_blocks(cells.rows, np.arange(len(cells)), most=30, side_m=1e6):
        axes = axes_of(cells.rows, block, 0.0)
        wide, high = np.ptp(axes.from_lonlat(cells.rows.lon[block], cells.rows.lat[block]), axis=0)
        assert max(wide, high) < 2.5 * min(wide, high)
        assert wide * high < 30 * 40**2


def test_a_block_alone_is_one_block(cells: TileSet) -> None:
    """An actor that is sent one makes one shard of it."""
    for block in cell_blocks(cells.rows, np.arange(len(cells)), most=30, side_m=300.0):
        (again,) = cell_blocks(cells.rows, block, most=30, side_m=300.0)
        assert again.tolist() == block.tolist()
