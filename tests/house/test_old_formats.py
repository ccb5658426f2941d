"""What geoloc 0.1.0 wrote opens still (tiles, a model, vectors), or is refused in one clear line.

The archive was written by the code before the modules were moved into wings, and is never written
again. Its map is of seeded boxes and discs, 160 m wide in four tiles of 80 m; its networks have
random weights in half precision, a few values each, so that the archive is small. The photo looks
straight down from 60 m. The values asserted are those that the old code gave.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from geoloc.errors import IndexFolderError
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import Locator
from geoloc.models.embedder import Embedder
from geoloc.models.registry import load_model, read_card
from geoloc.options import LocateOptions
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import folder_bytes, options_for

_ARCHIVE = Path(__file__).parents[1] / "fixtures" / "old_formats" / "0.1.0.tar.xz"
_TILES = ["region_80_0_0", "region_80_0_1", "region_80_1_0", "region_80_1_1"]
_PIXELS = [
    [118, 176, 29],
    [196, 56, 58],
    [197, 172, 227],
    [98, 154, 35],
]  # at row 80, column 40 of each


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiles``, ``model``, ``index`` and ``index-learned``, and ``photo.jpg``."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(_ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def vectors(old: Path) -> np.ndarray:
    """Of the old tiles by the old model (4, 64)."""
    with TileSet.open(old / "tiles") as tiles:
        images = np.stack([tiles.read(row) for row in range(len(tiles))])
    return Embedder(old / "model", device="cpu").embed(images, "satellite")


def test_old_tiles_open(old: Path) -> None:
    with TileSet.open(old / "tiles") as tiles:
        assert tiles.table["tile_id"].tolist() == _TILES
        assert (tiles.size_px, tiles.manifest.scheme.ground_sizes_m) == (160, (80.0,))
        assert tiles.transform(1).c == 500_080
        assert tiles.digest() == "59e90b85177bd1f5bbd850db2cd53aa61e84fb349e8c55b73dadc8395b53fb31"
        assert tiles.read(3).shape == (160, 160, 3)
        assert [tiles.read(row)[80, 40].tolist() for row in range(4)] == _PIXELS


def test_an_old_model_opens_and_gives_its_vectors(old: Path, vectors: np.ndarray) -> None:
    card = read_card(old / "model")
    assert (card.name, card.architecture, card.dimension) == ("model", "siamese", 64)
    assert card.views == ("satellite", "drone")
    assert isinstance(load_model(old / "model"), torch.nn.Module)
    np.testing.assert_allclose(vectors[0, :4], [0.155544, 0.109197, 0.266076, -0.113431], atol=2e-3)


@pytest.mark.parametrize("name", ["index", "index-learned"])
def test_an_old_index_finds_its_tiles(old: Path, vectors: np.ndarray, name: str) -> None:
    index = MapIndex.open(old / name)
    assert index.tiles.frame()["tile_id"].tolist() == _TILES
    assert index.card.name == "model"
    index.check_model(Embedder(old / "model", device="cpu").fingerprint)
    found = index.search(vectors, 2)
    assert found.rows.tolist() == [[0, 3], [1, 0], [2, 1], [3, 0]]
    np.testing.assert_allclose(found.scores[:, 0], 1, atol=1e-3)
    np.testing.assert_allclose(found.scores[:, 1], [0.4622, 0.4410, 0.4330, 0.4622], atol=2e-3)


@pytest.mark.parametrize("name", ["index", "index-learned"])
def test_old_local_features_are_refused_in_one_line(old: Path, name: str) -> None:
    with pytest.raises(
        IndexFolderError, match=r"format 1, .* reads format 2; .* geoloc index TILES --overwrite"
    ):
        Locator(MapIndex.open(old / name), LocateOptions(device="cpu"), run_id="run")


@pytest.mark.parametrize("append", [False, True])
def test_an_old_index_is_neither_kept_nor_added_to(old: Path, tmp_path: Path, append: bool) -> None:
    folder = Path(shutil.copytree(old, tmp_path / "old"))
    if append:  # more tiles
        manifest = folder / "tiles" / "tiles.json"
        manifest.write_text(manifest.read_text().replace("59e90b85", "00000000"))
    before = folder_bytes(folder / "index")
    options = options_for(folder / "model", features=True, append=append)
    with pytest.raises(IndexFolderError, match=r"format 1.*--overwrite"):
        build_index(folder / "tiles", folder / "index", options)
    assert folder_bytes(folder / "index") == before
