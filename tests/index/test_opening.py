"""Opening an index: by its own model, whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from geoloc.errors import IndexFolderError, ModelError
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.models.embedder import Embedder
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import options_for, write_model


def test_another_model_is_refused_at_search_with_the_reason(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    index = MapIndex.open(tmp_path / "index")
    index.check_model(Embedder(model, device="cpu").fingerprint)
    other = Embedder(write_model(tmp_path / "other", seed=9), device="cpu")
    with pytest.raises(IndexFolderError, match=r"tiny .*--overwrite") as caught:
        index.check_model(other.fingerprint)
    assert caught.value.exit_code == 4


def test_a_model_that_is_gone_is_told(tiles: Path, model: Path, tmp_path: Path) -> None:
    moving = Path(shutil.copytree(model, tmp_path / "moving"))
    build_index(tiles, tmp_path / "index", options_for(moving))
    shutil.rmtree(moving)
    with pytest.raises(ModelError, match="moving"):
        _ = MapIndex.open(tmp_path / "index").card


def test_no_index_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="geoloc index TILES"):
        MapIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[:40], "damaged"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "version 99"),
        (lambda text: "[]", "damaged"),
        (lambda text: text.replace('"count": 16', '"count": 15'), "where its manifest"),
        (lambda text: text.replace('"recipe"', '"receipt"'), "damaged"),
    ],
)
def test_a_foreign_or_damaged_manifest_is_refused(
    tiles: Path, model: Path, tmp_path: Path, spoil: Callable[[str], str], reason: str
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    path = tmp_path / "index" / "index.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(IndexFolderError, match=reason):
        MapIndex.open(tmp_path / "index")


@pytest.mark.parametrize("name", ["tiles.parquet", "vectors.faiss"])
def test_a_missing_file_is_refused(tiles: Path, model: Path, tmp_path: Path, name: str) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    (tmp_path / "index" / name).unlink()
    with pytest.raises(IndexFolderError, match="--overwrite"):
        MapIndex.open(tmp_path / "index")


def test_the_tiles_of_an_index_are_read_by_row(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    index = MapIndex.open(tmp_path / "index")
    with (
        TileSet.open(tiles) as source,
        index.open_tiles() as whole,
        index.open_tiles([3, 1]) as few,
    ):
        assert (len(whole), len(few)) == (len(source), 2)
        assert np.array_equal(whole.read(3), source.read(3))
        assert np.array_equal(few.read(0), source.read(3))
        assert np.array_equal(few.read(1), source.read(1))


def test_opening_reads_no_footprint_and_no_name(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    read: set[str] = set()
    original = parquet.ParquetFile.read_row_group

    def noted(self: object, group: int, columns: list[str]) -> object:
        read.update(columns)
        return original(self, group, columns=columns)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", noted)
    monkeypatch.setattr("geopandas.read_parquet", None)
    index = MapIndex.open(tmp_path / "index")
    assert read == {"lon", "lat", "ground_size_m", "gsd_m", "raster"}
    assert index.tiles.take([0]).geometry[0].area > 0
    assert "geometry" in read
