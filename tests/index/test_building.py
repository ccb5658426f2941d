"""From tiles to an index: what is in it, what is left out, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import GeolocError, OptionError, TilesError
from geoloc.index.job import build_index
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_index import MapIndex
from geoloc.models.embedder import Embedder
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import (
    folder_bytes,
    options_for,
    spoil_tile,
    write_map,
    write_model,
    write_tiles,
)
from tests.fixtures.progress import RecordedProgress


def test_every_tile_is_found_by_its_own_pixels(tiles: Path, model: Path, tmp_path: Path) -> None:
    summary = build_index(tiles, tmp_path / "index", options_for(model))
    assert (summary.tiles, summary.added, summary.left_out) == (16, 16, 0)
    index, tile_set = MapIndex.open(tmp_path / "index"), TileSet.open(tiles)
    pixels = np.stack([tile_set.read(i) for i in range(16)])
    vectors = Embedder(model, device="cpu").embed(pixels, "satellite")
    found = index.search(vectors, 2)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(16))
    assert list(index.tiles.frame()["tile_id"]) == list(tile_set.table["tile_id"])
    assert index.search(vectors[:1], 1, np.array([3, 8])).rows[0, 0] in (3, 8)


def test_the_manifest_ties_the_index_to_model_and_tiles(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    manifest = IndexManifest.read(tmp_path / "index")
    assert manifest.recipe.tile_digests == (TileSet.open(tiles).digest(),)
    assert manifest.recipe.fingerprint == Embedder(model, device="cpu").fingerprint
    assert (manifest.count, manifest.size_px, manifest.crs) == (16, 64, ("EPSG:32633",))
    assert manifest.ground_sizes_m == (64.0,)
    west, south, east, north = manifest.bounds
    assert 14.9 < west < east < 15.1
    assert 52.3 < south < north < 52.4
    assert str(tmp_path) not in (tmp_path / "index" / "index.json").read_text()


def test_the_index_is_enough_when_the_tiles_are_gone(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    shutil.rmtree(tiles)
    index = MapIndex.open(tmp_path / "index")
    assert index.search(np.ones((1, 16), np.float32), 3).rows.shape == (1, 3)
    assert index.tiles.frame().crs.to_epsg() == 4326
    assert index.card.name == "tiny"


def test_locations_are_relative_to_the_index(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "deep" / "index", options_for(model))
    table = MapIndex.open(tmp_path / "deep" / "index").tiles.frame()
    assert all((tmp_path / "deep" / "index" / place).is_file() for place in table["location"])


def test_virtual_tiles_make_the_same_vectors(model: Path, tmp_path: Path) -> None:
    raster = write_map(tmp_path / "region.tif")
    for name, virtual in (("real", False), ("virtual", True)):
        write_tiles(tmp_path / "tiles" / name, raster, virtual=virtual)
        build_index(tmp_path / "tiles" / name, tmp_path / name, options_for(model))
    real, virtual_ = ((tmp_path / n / "vectors.faiss").read_bytes() for n in ("real", "virtual"))
    assert real == virtual_


def test_the_index_does_not_depend_on_workers(tiles: Path, model: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        options = options_for(model, workers=workers)
        build_index(tiles, tmp_path / f"index{workers}", options)
    assert folder_bytes(tmp_path / "index1") == folder_bytes(tmp_path / "index3")


def test_bad_tiles_are_left_out_told_and_counted(tiles: Path, model: Path, tmp_path: Path) -> None:
    bad = [spoil_tile(tiles, row) for row in (0, 1, 7)]
    listener = RecordedProgress()
    options = options_for(model, features=True)
    summary = build_index(tiles, tmp_path / "index", options, progress=listener)
    assert (summary.tiles, summary.left_out, summary.is_complete) == (13, 3, False)
    assert [bad_id in line for bad_id, line in zip(bad, listener.warnings, strict=True)] == [
        True
    ] * 3
    assert set(MapIndex.open(tmp_path / "index").tiles.frame()["tile_id"]).isdisjoint(bad)


def test_tiles_that_are_not_the_models_are_told(tiles: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other")
    card = (other / "model.toml").read_text()
    (other / "model.toml").write_text(card.replace("size_m = 64.0", "size_m = 20.0"))
    listener = RecordedProgress()
    build_index(tiles, tmp_path / "index", options_for(other), progress=listener)
    assert listener.warnings == [
        "the tiles are 64 m on the ground, tiny learnt from tiles of 20 m and will hardly know "
        f"these; cut others: geoloc tile --model {other}"
    ]


def test_many_bad_tiles_are_told_briefly(tiles: Path, model: Path, tmp_path: Path) -> None:
    for row in range(9):
        spoil_tile(tiles, row)
    listener = RecordedProgress()
    build_index(tiles, tmp_path / "index", options_for(model), progress=listener)
    assert len(listener.warnings) == 6
    assert "4 more" in listener.warnings[-1]


def test_not_one_readable_tile_is_an_error(tiles: Path, model: Path, tmp_path: Path) -> None:
    for row in range(16):
        spoil_tile(tiles, row)
    with pytest.raises(TilesError, match="not one of 16"):
        build_index(tiles, tmp_path / "index", options_for(model))


def test_a_wrong_factory_is_told_before_anything_is_written(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="--factory"):
        build_index(tiles, tmp_path / "index", options_for(model, factory="nonsense"))
    assert not (tmp_path / "index").exists()


def test_the_folder_of_tiles_is_no_place_for_an_index(tiles: Path, model: Path) -> None:
    before = folder_bytes(tiles)
    with pytest.raises(OptionError, match="holds tiles"):
        build_index(tiles, tiles, options_for(model))
    assert folder_bytes(tiles) == before


def test_all_refusals_are_errors_of_ours(tmp_path: Path, model: Path) -> None:
    with pytest.raises(GeolocError):
        build_index(tmp_path / "nowhere", tmp_path / "index", options_for(model))
