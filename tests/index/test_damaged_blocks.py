"""A block of local features that is damaged is named, and the same command builds it anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from geoloc.errors import TilesError
from geoloc.index import job
from geoloc.index.features import block_grid
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from tests.fixtures.indexes import (
    BatchTeller,
    folder_bytes,
    options_for,
    write_map,
    write_tiles,
)
from tests.fixtures.progress import RecordedProgress


@pytest.fixture
def town(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tiles of a map over several blocks, and an index of them."""
    monkeypatch.setattr(job, "Embedder", BatchTeller)
    monkeypatch.setattr(block_grid, "_ROWS_PER_DEG", 2200)
    monkeypatch.setattr(block_grid, "_ROWS", 180 * 2200)
    write_tiles(tmp_path / "tiles", write_map(tmp_path / "a.tif", columns=4, rows=2))
    build_index(tmp_path / "tiles", tmp_path / "index", options_for(model, features=True))
    return tmp_path


def _blocks(town: Path) -> list[Path]:
    return sorted((town / "index" / "features" / "blocks").iterdir())


@pytest.mark.parametrize("harm", ["missing", "short", "spoilt"])
def test_the_same_command_builds_a_damaged_block_anew(town: Path, model: Path, harm: str) -> None:
    before = folder_bytes(town / "index")
    blocks = _blocks(town)
    assert len(blocks) > 3
    data = blocks[1].read_bytes()
    if harm == "missing":
        blocks[1].unlink()
    else:
        blocks[1].write_bytes(data[:-300] + bytes(300 if harm == "spoilt" else 0))
    told = RecordedProgress()
    options = options_for(model, features=True)
    assert build_index(town / "tiles", town / "index", options, progress=told).added == 0
    assert [str(blocks[1]) in text and "is damaged" in text for text in told.warnings] == [True]
    assert folder_bytes(town / "index") == before
    assert FeatureMap.open(town / "index" / "features").damaged() == []


def test_a_whole_index_needs_no_pixels(town: Path, model: Path) -> None:
    before = folder_bytes(town / "index")
    shutil.rmtree(town / "tiles" / "pixels")
    options = options_for(model, features=True)
    assert build_index(town / "tiles", town / "index", options).added == 0
    assert folder_bytes(town / "index") == before


def test_a_damaged_block_whose_pixels_are_gone_is_named(town: Path, model: Path) -> None:
    _blocks(town)[0].unlink()
    shutil.rmtree(town / "tiles" / "pixels")
    with pytest.raises(TilesError, match="cannot read the tile"):
        build_index(town / "tiles", town / "index", options_for(model, features=True))
    assert not [path for path in (town / "index").iterdir() if path.suffix == ".tmp"]
