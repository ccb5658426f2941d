"""Adding tiles to an index: as if all had been there from the beginning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OptionError, OutputExistsError
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from tests.fixtures.indexes import folder_bytes, options_for, write_map, write_model, write_tiles


def test_append_and_overwrite_contradict_each_other(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="--append"):
        build_index(tiles, tmp_path / "i", options_for(model, append=True, overwrite=True))


@pytest.mark.slow
def test_appending_equals_indexing_all_at_once(tiles: Path, model: Path, tmp_path: Path) -> None:
    raster, second = tmp_path / "region.tif", tmp_path / "second.tif"
    both = write_tiles(
        tmp_path / "both", write_map(raster), write_map(second, columns=3, east_m=900)
    )
    more = write_tiles(tmp_path / "more", second)
    build_index(both, tmp_path / "once", options_for(model, features=True))
    build_index(tiles, tmp_path / "index", options_for(model, features=True))
    options = options_for(model, features=True, append=True)
    assert build_index(more, tmp_path / "index", options).added == 12
    once, grown = MapIndex.open(tmp_path / "once"), MapIndex.open(tmp_path / "index")
    assert list(once.tiles.frame()["tile_id"]) == list(grown.tiles.frame()["tile_id"])
    rows = np.arange(len(once.tiles))
    cosines = (once.store.vectors(rows) * grown.store.vectors(rows)).sum(axis=1)
    assert cosines.min() > 0.999
    assert once.features_folder is not None
    assert grown.features_folder is not None
    counts = [
        json.loads((folder / "features.json").read_text())["count"]
        for folder in (once.features_folder, grown.features_folder)
    ]
    assert counts[0] == counts[1]


def test_appending_the_same_tiles_does_nothing(tiles: Path, model: Path, tmp_path: Path) -> None:
    options = options_for(model, append=True)
    assert build_index(tiles, tmp_path / "index", options).added == 16
    before = folder_bytes(tmp_path / "index")
    assert build_index(tiles, tmp_path / "index", options).added == 0
    assert folder_bytes(tmp_path / "index") == before


def test_appending_a_grown_folder_adds_only_what_is_new(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    both = write_tiles(
        tmp_path / "both",
        write_map(tmp_path / "region.tif"),
        write_map(tmp_path / "c.tif", columns=2, east_m=900),
    )
    build_index(tiles, tmp_path / "index", options_for(model))
    summary = build_index(both, tmp_path / "index", options_for(model, append=True))
    assert (summary.tiles, summary.added) == (24, 8)


def test_a_tile_of_the_same_name_elsewhere_is_refused(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    raster = write_map(tmp_path / "elsewhere" / "region.tif", east_m=700)
    other = write_tiles(tmp_path / "other", raster)
    build_index(tiles, tmp_path / "index", options_for(model))
    with pytest.raises(OptionError, match="lies elsewhere"):
        build_index(other, tmp_path / "index", options_for(model, append=True))
    assert len(MapIndex.open(tmp_path / "index").tiles) == 16


def test_appending_with_another_model_is_refused(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    other = write_model(tmp_path / "other", seed=5)
    with pytest.raises(OutputExistsError, match="its model is tiny"):
        build_index(tiles, tmp_path / "index", options_for(other, append=True))
