"""A model and tiles that are small enough to be indexed in a moment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from geoloc.index import tile_vectors
from tests.fixtures.indexes import write_map, write_model, write_tiles


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def kept_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    return write_tiles(folder / "tiles", write_map(folder / "region.tif"))


@pytest.fixture
def tiles(kept_tiles: Path, tmp_path: Path) -> Path:
    """16 tiles, free to be spoilt."""
    return Path(shutil.copytree(kept_tiles, tmp_path / "tiles"))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_vectors, "SHARD_TILES", 6)
