"""Dense cells: what neighbours share is what each would see alone, as far as a network allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.errors import RasterError
from geoloc.index.cell_blocks import cell_blocks
from geoloc.index.cell_vectors import CropReader, embed_cells
from geoloc.index.dense_cells import DenseReader, border_correction, spread
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.ground_grid import GroundGrid
from geoloc.index.map_ground import MapGround
from geoloc.models.card import TileCrops
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.cells import PatchMeans, cut_cells

# Features of 16 and 32 m under cells of 32 m: windows begin at whole ones.
CROPS = TileCrops((128.0, 256.0), 128)
# Features of 13.5 and 25.5 m: windows begin up to half of that beside their crops.
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


@pytest.mark.parametrize("attention", [0.0, 3.0])
def test_windows_that_lie_on_the_features_give_the_same(tmp_path: Path, attention: float) -> None:
    """Where cells are whole features apart, nothing differs but the reading."""
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        dense, exact = both(cells, inner(cells, 5), PatchMeans(CROPS, attention=attention))
    assert dense.rows == exact.rows
    assert dense.vectors is not None
    assert exact.vectors is not None
    # Mean colours over 16 pixels: the metre that the Earth's curve moves a cell is a 16th of them.
    np.testing.assert_allclose(dense.vectors, exact.vectors, atol=8e-3)


def test_windows_between_features_begin_at_the_nearest(tmp_path: Path) -> None:
    """Over a ramp the mean of a window is the colour of its middle."""
    with cut_cells(tmp_path / "tiles", ramp(tmp_path / "ramp.tif"), cell_m=32.0) as cells:
        dense, exact = both(cells, inner(cells, 7), PatchMeans(ODD))
    assert dense.vectors is not None
    assert exact.vectors is not None
    # Half a feature is 13 m, 3 grey levels of about 80.
    assert np.abs(dense.vectors - exact.vectors).max() < 0.03
    assert np.abs(dense.vectors - exact.vectors).mean() < 0.01
    assert np.ptp(exact.vectors, axis=0).max() > 0.05


def test_what_edges_add_to_a_crop_is_added_to_windows(tmp_path: Path) -> None:
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        rows = inner(cells, 5)
        plain, _ = both(cells, rows, PatchMeans(CROPS, attention=3.0))
        dense, exact = both(cells, rows, PatchMeans(CROPS, attention=3.0, edge=0.5))
    assert plain.vectors is not None
    assert dense.vectors is not None
    assert exact.vectors is not None
    assert np.abs(plain.vectors - exact.vectors).max() > 0.05
    np.testing.assert_allclose(dense.vectors, exact.vectors, atol=8e-3)


def test_a_correction_is_the_mean_over_cells_and_ground_sizes() -> None:
    shared = np.random.default_rng(2).normal(size=(3, 2, 4, 4, 5)).astype(np.float32)
    change = np.arange(80, dtype=np.float32).reshape(4, 4, 5)
    own = shared + change
    own[0], own[1] = own[0] + 6, own[1] - 3
    np.testing.assert_allclose(border_correction(own, shared), change + 1, atol=1e-4)


def test_sampled_cells_are_spread_evenly() -> None:
    assert spread(np.arange(80)).tolist() == [5, 15, 25, 35, 45, 55, 65, 75]
    assert spread(np.array([3, 9])).tolist() == [3, 9]
    assert spread(np.zeros(0, np.int64)).tolist() == []


def test_a_block_whose_samples_cannot_be_read_alone_goes_without_a_correction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(self: CropReader, rows: np.ndarray) -> np.ndarray:
        raise RasterError("a bad block")

    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        plain, _ = both(cells, inner(cells, 7), PatchMeans(CROPS))
        monkeypatch.setattr(CropReader, "__call__", damaged)
        reader = DenseReader(cells, CROPS, PatchMeans(CROPS, edge=0.5))
        found = reader.embed(inner(cells, 7), wait=lambda: None)
    assert found.rows == plain.rows
    np.testing.assert_allclose(found.vectors, plain.vectors, atol=8e-3)


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
    monkeypatch.setattr("geoloc.index.dense_cells._CORE_PX", 192)
    with cut_cells(tmp_path / "tiles", town(tmp_path / "town.tif"), cell_m=32.0) as cells:
        reader = DenseReader(cells, CROPS, PatchMeans(CROPS))
        found = reader.embed(np.arange(len(cells)), wait=lambda: None)
        lost = np.array([row for row, _ in found.failures])
        table = cells.table.iloc[lost]
    assert sorted(found.rows + lost.tolist()) == list(range(len(cells)))
    # The first features a side are lost, and with them the windows that begin in them.
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
