"""Cells embedded from their own crops: the crops lie where they should, and damage costs little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.errors import OptionError, RasterError
from geoloc.geometry.crs import from_lonlat
from geoloc.index.cell_vectors import CropReader, check_crops, embed_cells
from geoloc.index.ground_grid import GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import TileCrops
from geoloc.models.registry import read_card
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.cells import PatchMeans, cut_cells

# Pixels of 2, 4 and 7 m, the last no multiple of the cells.
CROPS = TileCrops((64.0, 128.0, 224.0), 32, bearing_deg=180.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> rasters.CodedRaster:
    return rasters.utm(tmp_path_factory.mktemp("map") / "utm.tif")


@pytest.fixture(scope="module")
def cells(source: rasters.CodedRaster, tmp_path_factory: pytest.TempPathFactory) -> TileSet:
    return cut_cells(tmp_path_factory.mktemp("cells") / "tiles", source.path)


def centres_px(cells: TileSet, source: rasters.CodedRaster) -> np.ndarray:
    """Columns and rows (N, 2) of the raster in the middle of the cells."""
    xy = from_lonlat(source.crs, np.column_stack([cells.rows.lon, cells.rows.lat]))
    return np.stack(~source.transform @ tuple(xy.T), axis=-1)


def test_the_middle_of_every_crop_is_the_cell_s_to_half_a_pixel(
    cells: TileSet, source: rasters.CodedRaster
) -> None:
    rows = np.arange(len(cells))
    crops = CropReader(cells, CROPS)(rows)
    middles = centres_px(cells, source)
    assert crops.shape == (len(cells), 3, 32, 32, 3)
    for level, gsd_m in enumerate(CROPS.gsds_m):
        # Four pixels around the middle, where their mean is a coordinate.
        seen = crops[:, level, 15:17, 15:17]
        inside = (seen[..., 2] == rasters.BLUE).all(axis=(1, 2))
        errors_m = 2 * (seen.mean(axis=(1, 2))[:, :2] + 0.5 - middles)[inside]
        assert inside.all()
        # Half a pixel of the crop, and half a grey level, which is a metre of the map.
        assert np.abs(errors_m).max() <= 0.51 * gsd_m + 1.0
        assert np.abs(errors_m.mean(axis=0)).max() < gsd_m / 4 + 0.5


def test_crops_of_a_bearing_of_180_have_south_up_and_west_on_the_right(cells: TileSet) -> None:
    middle = np.array([len(cells) // 2])
    turned = CropReader(cells, CROPS)(middle)[0, 0].astype(int)
    upright = CropReader(cells, replace(CROPS, bearing_deg=0.0))(middle)[0, 0].astype(int)
    assert turned[0, 16, 1] > turned[-1, 16, 1] + 25  # green counts rows, southwards
    assert turned[16, 0, 0] > turned[16, -1, 0] + 25  # red counts columns, eastwards
    assert np.abs(turned[::-1, ::-1] - upright).max() <= 2


def test_cells_read_together_are_those_read_alone_to_a_pixel(cells: TileSet) -> None:
    read, rows = CropReader(cells, CROPS), np.arange(len(cells))[::7]
    together = read(rows)
    for i, row in enumerate(rows.tolist()):
        alone = read(np.array([row]))[0]
        whole = (alone[..., 2] == rasters.BLUE) & (together[i, ..., 2] == rasters.BLUE)
        steps = np.abs(alone[whole].astype(int) - together[i][whole])
        # Half a pixel each: one pixel of the coarsest crop is 7 m, 3.5 of the map's.
        assert steps.max() <= 4
        assert whole.mean() > 0.15


def test_the_map_is_read_once_a_ground_size(
    cells: TileSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    grids, read = list[GroundGrid](), MapGround.read

    def noted(self: MapGround, grid: GroundGrid, *, first: str) -> np.ndarray:
        grids.append(grid)
        return read(self, grid, first=first)

    monkeypatch.setattr(MapGround, "read", noted)
    CropReader(cells, CROPS)(np.arange(len(cells)))
    assert [grid.gsd_m for grid in grids] == list(CROPS.gsds_m)


def test_damage_costs_only_the_cells_that_see_it(
    cells: TileSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MapGround.read
    (lon, lat), reach_deg = (cells.rows.lon[0], cells.rows.lat[0]), 1e-4

    def damaged(self: MapGround, grid: GroundGrid, *, first: str) -> np.ndarray:
        col, row = grid.pixels_of(grid.axes.from_lonlat(np.array([lon]), np.array([lat])))[0]
        if 0 <= col <= grid.size.width_px and 0 <= row <= grid.size.height_px:
            raise RasterError("a bad block")
        return read(self, grid, first=first)

    monkeypatch.setattr(MapGround, "read", damaged)
    rows = np.arange(len(cells))
    found = embed_cells(CropReader(cells, CROPS), rows, PatchMeans(CROPS), wait=lambda: None)
    lost = sorted(row for row, _ in found.failures)
    assert sorted(found.rows + lost) == rows.tolist()
    assert 0 in lost
    assert found.vectors is not None
    assert len(found.vectors) == len(found.rows) > len(cells) // 2
    away_deg = np.abs(cells.rows.lat[found.rows] - lat).max()
    assert away_deg > reach_deg


def test_tiles_for_other_crops_are_refused_in_one_line(cells: TileSet) -> None:
    card = read_card("clnet-aerial")
    check_crops(cells.manifest.scheme, card, cells.folder, model="clnet-aerial")
    for scheme, mine in (
        (cells.manifest.scheme, replace(card, crops=CROPS)),
        (replace(cells.manifest.scheme, crops=CROPS), card),
        (replace(cells.manifest.scheme, crops=CROPS), replace(card, crops=replace(CROPS, fill=0))),
    ):
        with pytest.raises(OptionError, match=r"geoloc tile --model mine") as caught:
            check_crops(scheme, mine, cells.folder, model="mine")
        assert "\n" not in str(caught.value)
