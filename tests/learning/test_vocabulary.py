"""Vocabularies are learnt from images, into the model whose descriptors they sort."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geoloc.errors import InputError, ModelError, OutputExistsError, PhotoError
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary
from geoloc.learning.options import VocabularyOptions
from geoloc.learning.vocabulary import teach_vocabulary
from geoloc.models.registry import load_model, read_card
from tests.fixtures.extractors import write_extractor
from tests.fixtures.indexes import folder_bytes, write_model
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.search import speckled

OPTIONS = VocabularyOptions(keypoints=60, sources=("made up, CC0",))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    whole = speckled(288)
    for number, column in enumerate((0, 96, 192)):
        Image.fromarray(whole[:96, column : column + 96]).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_extractor(tmp_path_factory.mktemp("kept") / "model")


@pytest.fixture
def model(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "model"))


def test_the_card_names_what_was_learnt_and_from_what(model: Path, images: Path) -> None:
    before = read_card(model)
    summary = teach_vocabulary(model, [images], OPTIONS)
    card = read_card(model)
    found = Vocabulary.of_model(card)
    assert found is not None
    assert summary.path == model / VOCABULARY
    assert (len(found.lists), found.size) == (summary.lists, card.dimension)
    assert card.vocabulary == {
        "images": 3,
        "descriptors": summary.descriptors,
        "scales": [1.0, 0.6],
        "sources": ["made up, CC0"],
    }
    assert 100 < summary.descriptors <= 3 * 2 * 60
    assert (card.weights_sha256, card.options) == (before.weights_sha256, before.options)
    load_model(model)


def test_the_same_images_teach_the_same(model: Path, images: Path) -> None:
    teach_vocabulary(model, [images], OPTIONS)
    first = folder_bytes(model)
    again = VocabularyOptions(keypoints=60, sources=OPTIONS.sources, overwrite=True)
    teach_vocabulary(model, [images], again)
    assert folder_bytes(model) == first


def test_a_vocabulary_is_kept_unless_it_may_be_replaced(model: Path, images: Path) -> None:
    teach_vocabulary(model, [images], OPTIONS)
    first = folder_bytes(model)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        teach_vocabulary(model, [images], OPTIONS)
    assert folder_bytes(model) == first


def test_an_image_that_cannot_be_read_is_passed_over(
    model: Path, images: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(images, tmp_path / "images"))
    (folder / "1.png").write_bytes(b"no image")
    progress = RecordedProgress()
    teach_vocabulary(model, [folder], OPTIONS, progress=progress)
    assert read_card(model).vocabulary["images"] == 2
    assert progress.done == 3
    assert [text for text in progress.warnings if "1.png" in text and "passed over" in text]


def test_images_without_keypoints_teach_nothing(model: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    first = folder_bytes(model)
    with pytest.raises(InputError, match="no keypoints"):
        teach_vocabulary(model, [tmp_path / "grey.png"], OPTIONS)
    with pytest.raises(PhotoError, match="does not exist"):
        teach_vocabulary(model, [tmp_path / "none"], OPTIONS)
    assert folder_bytes(model) == first


def test_a_model_of_whole_images_has_no_vocabulary(images: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="describes no keypoints"):
        teach_vocabulary(write_model(tmp_path / "eye"), [images], OPTIONS)
