"""Dense cells: what neighbours share is what each would see alone, as far as a network allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.errors import RasterError
from geoloc.index.cell_blocks import cell_blocks
from geoloc.index.cell_vectors import CropReader, embed_cells
from geoloc.index.dense_cells import DenseReader
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import TileCrops
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.cells import PatchMeans, cut_cells

# Positions of 32 and 64 m around cells of 32 m: on the first's grid, between two of the second's.
CROPS = TileCrops((128.0, 256.0), 128)
# Positions of 27 and 51 m: windows begin anywhere.
ODD = TileCrops((135.0, 255.0), 160)


def town(path: Path) -> Path:
    """A map of 640 m with blocks of 16 m of random colours."""
    colours = np.random.default_rng(3).integers(0, 255, (3, 40, 40), np.uint8)
    bands = colours.repeat(16, axis=1).repeat(16, axis=2)
    return rasters.write_raster(
        path, bands, crs="EPSG:32633", transform=Affine(1, 0, 500_000, 0, -1, 5_800_000)
    )


def ramp(path: Path) -> Path:
    """A map of 640 m whose red grows to the east and whose green grows to the south."""
    rows, cols = np.indices((640, 640))
    bands = np.stack([cols // 4, rows // 4, np.full_like(cols, 80)]).astype(np.uint8)
    return rasters.write_raster(
        path, bands, crs="EPSG:32633", transform=Affine(1, 0, 500_000, 0, -1, 5_800_000)
    )


def both(cells: TileSet, rows: np.ndarray, embedder: PatchMeans) -> list[EmbeddedBatch]:
    crops = embedder.card.crops
    dense = DenseReader(cells, crops, embedder).embed(rows, wait=lambda: None)
    return [dense, embed_cells(CropReader(cells, crops), rows, embedder, wait=lambda: None)]


def inner(cells: TileSet, margin: int) -> np.ndarray:
    """Rows of the cells that lie at least so many cells from the edge of the map."""
    table = cells.table
    inside = [
        table[axis].between(table[axis].min() + margin, table[axis].max() - margin)
        for axis in ("row", "col")
    ]
    return np.flatnonzero(inside[0] & inside[1])


def test_windows_that_lie_on_the_positions_give_the_same(tmp_path: Path) -> None:
    """Where positions are as long as cells, nothing differs but the reading."""
    crops = TileCrops((128.0,), 128)
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        dense, exact = both(cells, inner(cells, 3), PatchMeans(crops, attention=3.0))
    assert dense.rows == exact.rows
    assert dense.vectors is not None
    assert exact.vectors is not None
    # Mean colours over 32 pixels: the metre that the Earth's curve moves a cell is a 32nd of them.
    np.testing.assert_allclose(dense.vectors, exact.vectors, atol=4e-3)


@pytest.mark.parametrize("crops", [CROPS, ODD], ids=["between", "anywhere"])
def test_windows_between_positions_are_centred_on_their_cells(
    tmp_path: Path, crops: TileCrops
) -> None:
    """Over a ramp the mean of a window is the colour of its middle, wherever it begins."""
    with cut_cells(tmp_path / "tiles", ramp(tmp_path / "ramp.tif"), cell_m=32.0) as cells:
        dense, exact = both(cells, inner(cells, 7), PatchMeans(crops))
    assert dense.vectors is not None
    assert exact.vectors is not None
    np.testing.assert_allclose(dense.vectors, exact.vectors, atol=3e-3)
    assert np.ptp(exact.vectors, axis=0).max() > 0.05


def test_all_levels_share_one_softmax(tmp_path: Path) -> None:
    """Attention that tells positions apart weighs those of all ground sizes against each other."""
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        rows = inner(cells, 5)
        flat = both(cells, rows, PatchMeans(CROPS))
        keen = both(cells, rows, PatchMeans(CROPS, attention=20.0))
    for (dense, exact), least in ((flat, 0.999), (keen, 0.97)):
        assert dense.vectors is not None
        assert exact.vectors is not None
        cosines = (dense.vectors.astype(float) * exact.vectors.astype(float)).sum(axis=1)
        assert cosines.min() > least
    dense, other = keen[0].vectors, flat[0].vectors
    assert dense is not None
    assert other is not None
    assert (dense.astype(float) * other.astype(float)).sum(axis=1).mean() < 0.99


def test_the_tower_sees_the_map_once_and_not_once_a_cell(tmp_path: Path) -> None:
    embedder = PatchMeans(CROPS)
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        DenseReader(cells, CROPS, embedder).embed(np.arange(len(cells)), wait=lambda: None)
        assert embedder.seen_px < len(cells) * 2 * 128 * 128 / 8


def test_a_block_does_not_depend_on_the_blocks_beside_it(tmp_path: Path) -> None:
    """Two halves of a map are what the whole is, but for where positions lie."""
    with cut_cells(tmp_path / "tiles", ramp(tmp_path / "ramp.tif"), cell_m=32.0) as cells:
        reader, rows = DenseReader(cells, CROPS, PatchMeans(CROPS)), inner(cells, 7)
        whole = reader.embed(rows, wait=lambda: None).vectors
        assert whole is not None
        for block in cell_blocks(cells.rows, rows, most=15, side_m=1e4):
            part = reader.embed(block, wait=lambda: None)
            assert part.rows == block.tolist()
            expected = whole[np.searchsorted(rows, block)]
            np.testing.assert_allclose(part.vectors, expected, atol=3e-3)


def test_what_cannot_be_read_costs_the_cells_that_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, calls = MapGround.read, list[float]()

    def damaged(self: MapGround, grid: GroundGrid, *, first: str) -> np.ndarray:
        calls.append(grid.gsd_m)
        if len(calls) == 1:
            raise RasterError("a bad block")
        return read(self, grid, first=first)

    monkeypatch.setattr(MapGround, "read", damaged)
    monkeypatch.setattr("geoloc.index.dense_cells._CORE", 6)
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        reader = DenseReader(cells, CROPS, PatchMeans(CROPS))
        found = reader.embed(np.arange(len(cells)), wait=lambda: None)
        lost = np.array([row for row, _ in found.failures])
        table = cells.table.iloc[lost]
    assert sorted(found.rows + lost.tolist()) == list(range(len(cells)))
    # The first six positions a side are lost, and with them the windows that begin in them.
    assert sorted(set(table["row"])) == sorted(set(table["col"]))
    assert 0 < len(lost) < 64
    assert all(str(error) == "a bad block" for _, error in found.failures)


def test_a_map_that_is_gone_costs_all_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: MapGround, grid: GroundGrid, *, first: str) -> np.ndarray:
        raise RasterError("gone")

    monkeypatch.setattr(MapGround, "read", gone)
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        reader = DenseReader(cells, CROPS, PatchMeans(CROPS))
        found = reader.embed(np.arange(5), wait=lambda: None)
    assert (found.rows, found.vectors) == ([], None)
    assert [row for row, _ in found.failures] == [0, 1, 2, 3, 4]
