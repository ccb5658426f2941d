"""From a map to an index of cells for a network that looks around them: cut, embedded, resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.errors import OptionError, OutputExistsError, RasterError
from geoloc.index import tile_vectors
from geoloc.index.dense_cells import DenseReader
from geoloc.index.embedded_batch import EmbeddedBatch
from geoloc.index.job import build_index
from geoloc.index.manifest import IndexManifest
from geoloc.index.planning import plan_index
from geoloc.index.vector_store import FaissStore
from geoloc.models.embedder import Embedder
from geoloc.options import ONE_MACHINE, CellMode, EngineOptions, IndexOptions, TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.manifest import TileManifest
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import rasters
from tests.fixtures.indexes import folder_bytes, write_model
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.tiny_models import TINY_STATEWIDE, write_tiny_model


def write_town(path: Path, *, pixel_m: float = 0.5, cell_m: float = 8.0) -> Path:
    """A map of 320 m with blocks of random colours."""
    count, times = int(320 / cell_m), int(cell_m / pixel_m)
    colours = np.random.default_rng(5).integers(0, 255, (3, count, count), np.uint8)
    bands = colours.repeat(times, axis=1).repeat(times, axis=2)
    place = Affine(pixel_m, 0, 500_000, 0, -pixel_m, 5_800_000)
    return rasters.write_raster(path, bands, crs="EPSG:32633", transform=place)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Looks at crops of 32, 64 and 128 m around cells of 64 m; here the cells are of 32 m."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "around", TINY_STATEWIDE)


def tile_options(model: Path, **changes: object) -> TileOptions:
    values = {"model": str(model), "ground_sizes_m": (32.0,), "workers": 1} | changes
    return TileOptions(**values)  # type: ignore[arg-type] # of TileOptions


@pytest.fixture(scope="module")
def cells(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    cut_tiles([str(write_town(folder / "town.tif"))], folder / "tiles", tile_options(model))
    return folder / "tiles"


def options(model: Path, *, cells: CellMode = "dense", **changes: object) -> IndexOptions:
    values = {"model": str(model), "device": "cpu", "workers": 1, "batch_size": 24} | changes
    return IndexOptions(cells=cells, **values)  # type: ignore[arg-type] # of IndexOptions


def vectors_of(folder: Path) -> np.ndarray:
    store = FaissStore.open(folder)
    return store.vectors(np.arange(len(store))).astype(np.float64)


def test_the_card_decides_how_the_map_is_cut(cells: Path, model: Path, tmp_path: Path) -> None:
    manifest = TileManifest.read(cells / "tiles.json")
    assert manifest.scheme.crops is not None
    assert manifest.scheme.crops.ground_sizes_m == (32.0, 64.0, 128.0)
    assert (manifest.scheme.overlap, manifest.scheme.virtual) == (0.0, True)
    assert not (cells / "pixels").exists()
    assert len(TileSet.open(cells)) == 121
    again = cut_tiles([str(cells.parent / "town.tif")], cells, tile_options(model))
    assert again.unchanged
    other = write_tiny_model(tmp_path / "else", TINY_STATEWIDE)
    (other / "model.toml").write_text(
        (other / "model.toml").read_text().replace("[32.0, 64.0, 128.0]", "[32.0, 64.0]")
    )
    with pytest.raises(OutputExistsError, match=r"crops was 32.0,64.0,128.0 m of 64 pixels, now"):
        cut_tiles([str(cells.parent / "town.tif")], cells, tile_options(other))


def test_manifests_of_other_models_do_not_speak_of_crops(tmp_path: Path) -> None:
    plain = write_model(tmp_path / "plain")
    cut_tiles([str(write_town(tmp_path / "a.tif"))], tmp_path / "tiles", tile_options(plain))
    scheme = json.loads((tmp_path / "tiles" / "tiles.json").read_text())["scheme"]
    assert "crops" not in scheme
    assert (scheme["overlap"], scheme["virtual"]) == (0.5, False)


def test_a_coarse_map_is_told_which_crops_it_blurs(model: Path, tmp_path: Path) -> None:
    listener = RecordedProgress()
    town = write_town(tmp_path / "coarse.tif", pixel_m=1.0)
    cut_tiles([str(town)], tmp_path / "tiles", tile_options(model), progress=listener)
    (line,) = listener.warnings
    assert line.startswith("coarse.tif: pixels of 1 m blur the crops of 32 m")
    assert "0.5 m a pixel" in line


def test_a_map_that_blurs_all_crops_is_refused(model: Path, tmp_path: Path) -> None:
    town = write_town(tmp_path / "useless.tif", pixel_m=8.0)
    with pytest.raises(RasterError, match=r"too coarse for the crops .* 0.5, 1 and 2 m a pixel"):
        cut_tiles([str(town)], tmp_path / "tiles", tile_options(model))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["dense", "exact"])
def test_cells_become_an_index_without_local_features(
    cells: Path, model: Path, tmp_path: Path, mode: CellMode
) -> None:
    summary = build_index(cells, tmp_path / "index", options(model, cells=mode))
    assert (summary.tiles, summary.left_out) == (121, 0)
    recipe = IndexManifest.read(tmp_path / "index").recipe
    assert (recipe.cells, recipe.features, recipe.descriptor) == (mode, False, "rootsift")
    assert not (tmp_path / "index" / "features").exists()
    assert np.linalg.norm(vectors_of(tmp_path / "index"), axis=1) == pytest.approx(1, abs=2e-3)
    assert build_index(cells, tmp_path / "index", options(model, cells=mode)).added == 0
    other: CellMode = "exact" if mode == "dense" else "dense"
    with pytest.raises(OutputExistsError, match=f"--cells {mode}, not {other}"):
        build_index(cells, tmp_path / "index", options(model, cells=other))


@pytest.mark.slow
def test_every_cell_keeps_its_vector_whatever_block_it_is_embedded_in(
    cells: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(cells, tmp_path / "one", options(model, cells="exact"))
    monkeypatch.setattr(tile_vectors, "_EXACT_BLOCK", (13, 1e6))
    build_index(cells, tmp_path / "many", options(model, cells="exact"))
    # Crops begin at other whole pixels, which is half a pixel at most.
    cosines = (vectors_of(tmp_path / "one") * vectors_of(tmp_path / "many")).sum(axis=1)
    others = vectors_of(tmp_path / "one") @ vectors_of(tmp_path / "many").T
    # The last row and column, shifted back to the map's edge, nearly repeat those before.
    assert (others.argmax(axis=1) == np.arange(121)).mean() > 0.75
    assert np.median(cosines) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["dense", "exact"])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    cells: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: CellMode
) -> None:
    monkeypatch.setattr(tile_vectors, "_EXACT_BLOCK", (30, 1e6))
    monkeypatch.setattr(tile_vectors, "_DENSE_BLOCK", (30, 1e6))
    build_index(cells, tmp_path / "whole", options(model, cells=mode))
    # A dense block takes 3 pictures of the map, and 3 crops of each of 8 sampled cells.
    done, last = list[int](), 40 if mode == "dense" else 8
    name = "shared_features" if mode == "dense" else "embed_crops"
    original: Callable[..., object] = getattr(Embedder, name)

    def interrupted(self: Embedder, pixels: np.ndarray) -> object:
        done.append(1)
        if len(done) == last:
            raise KeyboardInterrupt
        return original(self, pixels)

    monkeypatch.setattr(Embedder, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_index(cells, tmp_path / "index", options(model, cells=mode))
    kept = len(list((tmp_path / "index" / "parts").glob("0*.npz")))
    assert kept > 0
    done[:] = [1] * last
    build_index(cells, tmp_path / "index", options(model, cells=mode))
    assert folder_bytes(tmp_path / "index") == folder_bytes(tmp_path / "whole")


@pytest.mark.slow
def test_a_cluster_embeds_cells_to_the_same_bytes(cells: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    for name, engine in (("one", ONE_MACHINE), ("ray", EngineOptions(engine="ray", actors=1))):
        summary = build_index(cells, tmp_path / name, options(model), engine=engine)
        assert (summary.tiles, summary.left_out) == (121, 0)
    assert folder_bytes(tmp_path / "ray") == folder_bytes(tmp_path / "one")


@pytest.mark.slow
def test_cells_that_cannot_be_read_are_left_out_and_the_others_keep_their_order(
    cells: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(cells, tmp_path / "whole", options(model))
    embed = DenseReader.embed

    def damaged(self: DenseReader, rows: np.ndarray, *, wait: Callable[[], None]) -> EmbeddedBatch:
        batch = embed(self, rows, wait=wait)
        assert batch.vectors is not None
        failures = [(batch.rows[3], RasterError("a bad block"))]
        kept = [i for i in range(len(batch.rows)) if i != 3]
        return EmbeddedBatch([batch.rows[i] for i in kept], batch.vectors[kept], failures)

    monkeypatch.setattr(DenseReader, "embed", damaged)
    listener = RecordedProgress()
    summary = build_index(cells, tmp_path / "index", options(model), progress=listener)
    assert (summary.tiles, summary.left_out) == (120, 1)
    assert any("a bad block" in line for line in listener.warnings)
    expected = np.delete(vectors_of(tmp_path / "whole"), 3, axis=0)
    np.testing.assert_array_equal(vectors_of(tmp_path / "index"), expected)


def test_tiles_for_another_kind_of_model_are_refused_in_one_line(
    cells: Path, model: Path, tmp_path: Path
) -> None:
    plain = write_model(tmp_path / "plain")
    with pytest.raises(OptionError, match="and model tiny looks at the tiles alone"):
        build_index(cells, tmp_path / "index", options(plain))
    town = str(write_town(tmp_path / "a.tif"))
    cut_tiles([town], tmp_path / "tiles", tile_options(plain))
    with pytest.raises(OptionError, match=r"looks at crops of 32, 64, 128 m around their centres"):
        build_index(tmp_path / "tiles", tmp_path / "index", options(model))
    assert not (tmp_path / "index" / "index.json").exists()


def test_a_plan_says_what_both_ways_cost(cells: Path, model: Path, tmp_path: Path) -> None:
    plan = plan_index(cells, tmp_path / "index", options(model))
    assert (plan.tiles, list(plan.cells)) == (121, ["exact", "dense"])
    dense, exact = plan.cells["dense"], plan.cells["exact"]
    assert plan.seconds == dense.seconds
    assert plan_index(cells, tmp_path / "index", options(model, cells="exact")).tiles == 121
    assert dense.seconds is not None
    assert exact.seconds is not None
    assert dense.gmac / exact.gmac == pytest.approx(dense.seconds / exact.seconds)
    # Convolutions and products of one crop of 64 pixels, three crops a cell, counted by hand: see
    # the widths of timm's test_convnext.
    assert exact.gmac == pytest.approx(121 * 3 * _crop_macs() / 1e9, rel=1e-6)
    assert not (tmp_path / "index").exists()


def _crop_macs() -> int:
    """Multiply-adds of a crop of 64 pixels: a ConvNeXt of these depths and widths, and its pool."""
    depths, widths, macs, before, side = (1, 2, 4, 2), (24, 32, 48, 64), 0, 3, 64
    for i, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        kernel = 4 if i == 0 else 2
        side //= kernel
        macs += side**2 * kernel**2 * before * width
        macs += depth * side**2 * (49 * width + 2 * 4 * width**2)
        before = width
    return macs + side**2 * (before * (4 + 16) + 16)
