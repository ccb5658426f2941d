"""What geoloc 0.1.0 wrote opens still: tiles, indexes of both descriptors, a model, a photo.

The archive was written by the code before the modules were moved into wings, and is never written
again. Its map is of seeded boxes and discs, 160 m wide in four tiles of 80 m; its networks have
random weights in half precision, a few values each, so that the archive is small. The photo looks
straight down from 60 m. The values asserted are those that the old code gave.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.locate.locator import Locator
from geoloc.models.embedder import Embedder
from geoloc.models.registry import load_model, read_card
from geoloc.options import LocateOptions
from geoloc.tiles.tile_set import TileSet

_ARCHIVE = Path(__file__).parents[1] / "fixtures" / "old_formats" / "0.1.0.tar.xz"
_TILES = ["region_80_0_0", "region_80_0_1", "region_80_1_0", "region_80_1_1"]
_PIXELS = [
    [118, 176, 29],
    [196, 56, 58],
    [197, 172, 227],
    [98, 154, 35],
]  # at row 80, column 40 of each
_TRUTH = LonLat(15.00125157, 52.34961681)


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


@pytest.mark.parametrize(
    ("name", "kind", "count"), [("index", "rootsift", 655), ("index-learned", "patches", 655)]
)
def test_old_local_features_open(old: Path, name: str, kind: str, count: int) -> None:
    folder = MapIndex.open(old / name).features_folder
    assert folder is not None
    features = FeatureMap.open(folder)
    assert len(features.xy_m) == count
    assert MapIndex.open(old / name).manifest.recipe.descriptor.split()[0] == kind


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("index", LonLat(15.001256557945107, 52.34961802042328)),
        ("index-learned", LonLat(15.001252680945205, 52.34961981822163)),
    ],
)
def test_a_photo_is_located_on_an_old_index(old: Path, name: str, position: LonLat) -> None:
    locator = Locator(MapIndex.open(old / name), LocateOptions(device="cpu"), run_id="run")
    result = locator.locate(old / "photo.jpg")
    assert (result.status, result.tile_id) == ("located", "region_80_0_1")
    assert result.longitude is not None
    assert result.latitude is not None
    found = LonLat(result.longitude, result.latitude)
    # Processors that describe keypoints in whole numbers move it a little.
    assert distance_m(found, position) < 0.2
    assert distance_m(found, _TRUTH) < 0.5
    assert result.heading == pytest.approx(30, abs=0.5)
    assert result.confidence > 0.999
