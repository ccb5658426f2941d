"""An index whose local features a learned descriptor describes: it carries what photos need."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoloc.commands._path_facts import path_facts
from geoloc.errors import IndexFolderError, ModelError, OutputExistsError
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.opening import open_extractor
from geoloc.locate.locator import Locator
from geoloc.models.registry import find_model
from geoloc.options import LocateOptions
from tests.fixtures.extractors import write_extractor
from tests.fixtures.indexes import folder_bytes, options_for, write_map, write_model, write_tiles
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.rasters import write_raster
from tests.fixtures.search import SearchWorld
from tests.locate.test_locator import NUMBER, error_m, truth

MODEL = ("model.toml", "model.safetensors")
TRAINED = "local-aerial"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``patches``, a descriptor, and ``tiny``, a model of whole images."""
    folder = tmp_path_factory.mktemp("models")
    write_extractor(folder / "patches")
    write_model(folder / "tiny")
    return folder


@pytest.fixture(scope="module")
def town(search_world: SearchWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the tiny world; the model that described it is gone from where it was.

    It is the bundled one: with random weights a photo of another season is ambiguous.
    """
    folder = tmp_path_factory.mktemp("town")
    mine = Path(shutil.copytree(find_model(TRAINED), folder / "mine"))
    options = options_for(search_world.folder / "model", features=True, descriptor=str(mine))
    build_index(search_world.tiles.folder, folder / "index", options)
    shutil.rmtree(mine)
    return folder / "index"


@pytest.fixture
def small(models: Path, tmp_path: Path) -> Path:
    """An index of four tiles, free to be spoilt."""
    write_tiles(tmp_path / "tiles", write_map(tmp_path / "region.tif", columns=2, rows=2))
    build_index(tmp_path / "tiles", tmp_path / "index", options(models))
    return tmp_path / "index"


def options(models: Path, **changes: object):  # type: ignore[no-untyped-def]
    wanted = {"features": True, "descriptor": str(models / "patches"), **changes}
    return options_for(models / "tiny", **wanted)


@pytest.mark.slow
def test_the_index_carries_the_model_that_described_it(town: Path) -> None:
    features = FeatureMap.open(town / "features")
    assert features.descriptor_folder == town / "features" / "descriptor"
    for name in MODEL:
        copied = (features.descriptor_folder / name).read_bytes()
        assert copied == (find_model(TRAINED) / name).read_bytes()
    assert (features.kind.name, features.read().descriptors.shape[1]) == (TRAINED, 64)


@pytest.mark.slow
def test_features_are_where_sift_finds_them(town: Path, search_world: SearchWorld) -> None:
    learned = FeatureMap.open(town / "features")
    np.testing.assert_array_equal(learned.read().xy_m, search_world.features.read().xy_m)
    np.testing.assert_array_equal(learned.read().angle_deg, search_world.features.read().angle_deg)


@pytest.mark.slow
def test_a_photo_of_another_season_is_located_by_it(
    town: Path, search_world: SearchWorld, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(town, tmp_path / "elsewhere"))
    shutil.copytree(search_world.folder / "model", tmp_path / "model")
    opened = Locator(MapIndex.open(moved), LocateOptions(), run_id="run")
    result = opened.locate(search_world.photos[NUMBER])
    assert result.status == "located"
    assert error_m(result, truth(search_world)) < 5


@pytest.mark.slow
def test_info_says_what_describes_the_features(town: Path, search_world: SearchWorld) -> None:
    learned, sift = (
        path_facts(each).facts["local_features"] for each in (town, search_world.index)
    )
    assert learned == {"count": len(search_world.features), "described_by": TRAINED}
    assert sift["described_by"] == "rootsift"


def test_another_descriptor_is_refused_and_named(small: Path, models: Path) -> None:
    tiles = small.parent / "tiles"
    for change in ({"append": True}, {}):
        with pytest.raises(
            OutputExistsError, match=r"described by patches, not rootsift \(--descriptor patches"
        ):
            build_index(tiles, small, options(models, descriptor="rootsift", **change))


def test_tiles_are_added_with_the_descriptor_that_the_index_carries(
    small: Path, models: Path, tmp_path: Path
) -> None:
    more = write_tiles(tmp_path / "more", write_map(tmp_path / "b.tif", columns=2, east_m=500))
    own = options(models, append=True, descriptor=str(small / "features" / "descriptor"))
    before = len(FeatureMap.open(small / "features"))
    assert build_index(more, small, own).added == 8
    features = MapIndex.open(small).open_features()
    assert features is not None
    assert len(features) > before
    assert features.descriptor_folder is not None
    for name in MODEL:
        kept = (features.descriptor_folder / name).read_bytes()
        assert kept == (models / "patches" / name).read_bytes()


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    small: Path, models: Path, tmp_path: Path
) -> None:
    # Four tiles through the network, and one of the four through the descriptor.
    with pytest.raises(KeyboardInterrupt):
        build_index(
            small.parent / "tiles",
            tmp_path / "cut",
            options(models),
            progress=RecordedProgress(stop_after=5),
        )
    assert not (tmp_path / "cut" / "index.json").exists()
    build_index(small.parent / "tiles", tmp_path / "cut", options(models))
    assert folder_bytes(tmp_path / "cut") == folder_bytes(small)


def test_a_model_of_whole_images_is_refused_before_anything_is_written(
    small: Path, models: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="tiny embeds whole images and describes no keypoints"):
        build_index(
            small.parent / "tiles",
            tmp_path / "new",
            options(models, descriptor=str(models / "tiny")),
        )
    assert not (tmp_path / "new").exists()


def test_a_model_of_keypoints_does_not_embed_tiles(
    small: Path, models: Path, tmp_path: Path
) -> None:
    wrong = options_for(models / "patches")
    with pytest.raises(ModelError, match="--descriptor patches"):
        build_index(small.parent / "tiles", tmp_path / "new", wrong)
    assert not (tmp_path / "new").exists()


def _edit(features: Path, change: Callable[[dict[str, object]], object]) -> None:
    manifest = json.loads((features / "features.json").read_text())
    change(manifest)
    (features / "features.json").write_text(json.dumps(manifest))


def test_a_descriptor_of_a_later_version_is_refused(small: Path) -> None:
    _edit(small / "features", lambda m: m["descriptor"].update(more=1))  # type: ignore[attr-defined]
    with pytest.raises(IndexFolderError, match="--overwrite"):
        FeatureMap.open(small / "features")


def test_an_index_that_lost_its_descriptor_is_refused(small: Path) -> None:
    shutil.rmtree(small / "features" / "descriptor")
    with pytest.raises(IndexFolderError, match=r"descriptor.* is missing.*--overwrite"):
        FeatureMap.open(small / "features")


def test_another_model_in_place_of_the_one_that_described_is_refused(
    small: Path, tmp_path: Path
) -> None:
    shutil.rmtree(small / "features" / "descriptor")
    write_extractor(small / "features" / "descriptor", seed=9)
    features = FeatureMap.open(small / "features")
    with pytest.raises(IndexFolderError, match="not the model that described the map"):
        open_extractor(features, "cpu")


def test_a_map_of_nothing_can_be_described(models: Path, tmp_path: Path) -> None:
    blank = write_raster(
        tmp_path / "blank.tif",
        np.full((3, 96, 96), 90, np.uint8),
        crs="EPSG:32633",
        transform=Affine(1, 0, 500_000, 0, -1, 5_800_000),
    )
    build_index(write_tiles(tmp_path / "tiles", blank), tmp_path / "index", options(models))
    features = FeatureMap.open(tmp_path / "index" / "features")
    assert features.read().descriptors.shape == (0, 32)
