"""What happens to tiles while an index is made of them is noticed before the index is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from geoloc.errors import TilesError
from geoloc.index import job, writing
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from tests.fixtures import mosaics
from tests.fixtures.indexes import BatchTeller, folder_bytes, options_for, write_map, write_tiles
from tests.fixtures.progress import RecordedProgress

EMBEDDING, FEATURES = "embedding tiles", "computing local features"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)


class At(RecordedProgress):
    """Does something when the first tile of a stage is done."""

    def __init__(self, stage: str, happens: Callable[[], object]) -> None:
        super().__init__()
        self._stage, self._happens, self._label = stage, happens, ""

    def start(self, label: str, total: int, unit: str) -> None:
        self._label = label

    def advance(self, count: int = 1) -> None:
        if count and self._label == self._stage:
            self._label = "done"
            self._happens()


@pytest.fixture
def mosaic(tmp_path: Path) -> Path:
    """Windows of a mosaic of two rasters, as tiles."""
    return write_tiles(tmp_path / "tiles", mosaics.vrt(tmp_path), virtual=True)


@pytest.mark.parametrize("stage", [EMBEDDING, FEATURES])
def test_a_source_that_vanishes_while_it_is_indexed_is_named(
    mosaic: Path, model: Path, tmp_path: Path, stage: str
) -> None:
    options, folder = options_for(model, features=True), tmp_path / "index"
    east = tmp_path / "parts" / "east.tif"
    away = east.with_name("away.tif")
    with pytest.raises(TilesError, match=r"east\.tif of \.\./mosaic\.vrt is gone while the index"):
        build_index(mosaic, folder, options, progress=At(stage, lambda: east.replace(away)))
    assert not folder.exists()
    away.replace(east)
    build_index(mosaic, folder, options)
    build_index(mosaic, tmp_path / "whole", options)
    assert folder_bytes(folder) == folder_bytes(tmp_path / "whole")


def test_a_raster_that_vanishes_before_its_features_are_read_is_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(tmp_path / "a.tif", columns=2, rows=1)
    tiles = write_tiles(tmp_path / "tiles", path, virtual=True)
    build = writing.build_features

    def late(*arguments: Any, **options: Any) -> int:
        path.unlink()
        return build(*arguments, **options)

    monkeypatch.setattr(writing, "build_features", late)
    with pytest.raises(TilesError, match=r"\.\./a\.tif is gone while the index was made"):
        build_index(tiles, tmp_path / "index", options_for(model, features=True))
    assert not (tmp_path / "index").exists()


def test_a_raster_that_changes_while_it_is_added_is_named_and_the_index_serves(
    model: Path, tmp_path: Path
) -> None:
    first = write_tiles(tmp_path / "first", write_map(tmp_path / "a.tif", columns=2, rows=1))
    path = write_map(tmp_path / "b.tif", columns=2, rows=2, east_m=3000)
    second = write_tiles(tmp_path / "second", path, virtual=True)
    folder = tmp_path / "index"
    build_index(first, folder, options_for(model))
    before = folder_bytes(folder)

    def spoil() -> None:
        with rasterio.open(path, "r+") as dataset:
            dataset.write(np.zeros((3, 9, 9), np.uint8), window=((0, 9), (0, 9)))

    with pytest.raises(TilesError, match=r"\.\./b\.tif has changed while the index was made"):
        build_index(second, folder, options_for(model, append=True), progress=At(EMBEDDING, spoil))
    assert folder_bytes(folder) == before
    assert len(MapIndex.open(folder).tiles) == 2


def test_a_source_that_comes_back_is_no_gap_in_an_index(
    model: Path, mosaic: Path, tmp_path: Path
) -> None:
    write_map(tmp_path / "a.tif", columns=2, rows=1)
    tiles = write_tiles(
        tmp_path / "both", tmp_path / "mosaic.vrt", tmp_path / "a.tif", virtual=True
    )
    east = tmp_path / "parts" / "east.tif"
    away = east.replace(east.with_name("away.tif"))
    back = At(EMBEDDING, lambda: away.replace(east))
    with pytest.raises(TilesError, match=r"\.\./mosaic\.vrt has come back while the index"):
        build_index(tiles, tmp_path / "index", options_for(model), progress=back)
    summary = build_index(tiles, tmp_path / "index", options_for(model))
    assert (summary.left_out, summary.tiles) == (0, len(MapIndex.open(tmp_path / "index").tiles))


def test_a_raster_that_is_gone_all_the_time_costs_its_tiles(
    model: Path, mosaic: Path, tmp_path: Path
) -> None:
    write_map(tmp_path / "a.tif", columns=2, rows=1)
    tiles = write_tiles(
        tmp_path / "both", tmp_path / "mosaic.vrt", tmp_path / "a.tif", virtual=True
    )
    (tmp_path / "parts" / "east.tif").unlink()
    summary = build_index(tiles, tmp_path / "index", options_for(model))
    assert summary.tiles == 2
    assert summary.left_out > 0


def test_another_time_alone_is_no_change(model: Path, mosaic: Path, tmp_path: Path) -> None:
    touch = At(EMBEDDING, lambda: os.utime(tmp_path / "parts" / "east.tif", (1, 1)))
    assert build_index(mosaic, tmp_path / "index", options_for(model), progress=touch).is_complete


@pytest.mark.parametrize("overlap", [0.25, None])
def test_tiles_that_are_cut_again_or_removed_while_they_are_indexed_are_told(
    model: Path, tmp_path: Path, overlap: float | None
) -> None:
    path = write_map(tmp_path / "a.tif", columns=2, rows=1)
    tiles = write_tiles(tmp_path / "tiles", path)

    def happens() -> None:
        if overlap is None:
            (tiles / "tiles.json").unlink()
        else:
            write_tiles(tiles, path, overwrite=True, overlap=overlap)

    with pytest.raises(TilesError, match=r"tiles were (cut again|removed) while the index"):
        build_index(tiles, tmp_path / "index", options_for(model), progress=At(EMBEDDING, happens))
    assert not (tmp_path / "index").exists()
