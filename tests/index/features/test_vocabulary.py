"""The vocabulary of a descriptor: learnt once, the same bytes again, and none that is damaged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from geoloc.errors import IndexFolderError, ModelError
from geoloc.index.features.keypoints import DescriptorKind
from geoloc.index.features.vocabulary import VOCABULARY, Vocabulary, learn_vocabulary
from geoloc.models.registry import read_card
from tests.fixtures.tiny_models import TINY_PATCHNET, write_tiny_model

SIZE = 32
KIND = DescriptorKind("tiny", SIZE, 128, 0.5)


def clustered(count: int, *, centres: int = 20, seed: int = 0) -> np.ndarray:
    """Descriptors (count, SIZE) around some centres, in turn."""
    rng = np.random.default_rng(seed)
    middles = rng.integers(60, 196, (centres, SIZE))
    around = middles[np.arange(count) % centres] + rng.normal(0, 6, (count, SIZE))
    return np.rint(around).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return learn_vocabulary(clustered(1200), KIND, np.arange(1200) // 100)


def test_each_descriptor_falls_into_the_list_with_the_nearest_centre(
    vocabulary: Vocabulary,
) -> None:
    descriptors = clustered(300, seed=3)
    away = descriptors[:, None].astype(int) - vocabulary.lists[None].astype(int)
    squared = (away**2).sum(axis=2)
    lists = vocabulary.list_of(descriptors)
    assert (lists.dtype, lists.shape) == (np.uint16, (300,))
    np.testing.assert_array_equal(squared[np.arange(300), lists], squared.min(axis=1))
    near = vocabulary.lists_near(descriptors, 5)
    np.testing.assert_array_equal(near[:, 0], lists)
    found = np.take_along_axis(squared, near.astype(int), axis=1)
    np.testing.assert_array_equal(found, np.sort(squared, axis=1)[:, :5])


def test_no_more_lists_are_near_than_there_are(vocabulary: Vocabulary) -> None:
    near = vocabulary.lists_near(clustered(2), 10_000)
    assert sorted(near[0].tolist()) == list(range(len(vocabulary.lists)))
    assert vocabulary.list_of(clustered(0)).shape == (0,)


def test_few_descriptors_teach_few_lists_and_words() -> None:
    few = learn_vocabulary(clustered(390), KIND, np.arange(390))
    assert (few.lists.shape, few.words.shape) == ((10, SIZE), (10, SIZE))
    one = learn_vocabulary(clustered(1), KIND, np.zeros(1, np.int64))
    assert (one.lists.shape, one.words.shape, one.rarity.tolist()) == (
        (1, SIZE),
        (1, SIZE),
        [1.0],
    )
    np.testing.assert_allclose(np.linalg.norm(few.words, axis=1), 1, atol=1e-5)


def test_the_rows_of_the_projection_are_orthonormal(vocabulary: Vocabulary) -> None:
    rows = vocabulary.projection
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)


def test_a_word_s_length_reaches_the_mean_of_its_descriptors(vocabulary: Vocabulary) -> None:
    unit = KIND.unit(clustered(1200))
    nearest = (unit @ vocabulary.words.T).argmax(axis=1)
    means = np.stack([unit[nearest == word].mean(axis=0) for word in np.unique(nearest)])
    used = np.unique(nearest)
    reached = vocabulary.words[used] * vocabulary.lengths[used, None]
    np.testing.assert_allclose(reached, means, atol=0.02)


def test_words_that_few_pictures_show_count_more() -> None:
    descriptors = clustered(800, centres=2)
    # Every picture shows the first cluster, one of ten shows the second.
    groups = np.where(np.arange(800) % 2, 0, np.arange(800) % 10)
    learnt = learn_vocabulary(descriptors, KIND, groups)
    words = (KIND.unit(descriptors) @ learnt.words.T).argmax(axis=1)
    common, rare = learnt.rarity[words[::2]].mean(), learnt.rarity[words[1::2]].mean()
    assert rare > common + 1
    assert learnt.rarity.min() >= 1


def test_the_same_descriptors_teach_the_same(vocabulary: Vocabulary) -> None:
    again = learn_vocabulary(clustered(1200), KIND, np.arange(1200) // 100)
    assert again.digest == vocabulary.digest
    other = dataclasses.replace(vocabulary, rarity=vocabulary.rarity + 1)
    assert other.digest != vocabulary.digest


def test_it_comes_back_from_its_file(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.write(tmp_path / VOCABULARY)
    found = Vocabulary.open(tmp_path / VOCABULARY)
    for name in ("lists", "words", "lengths", "rarity", "projection"):
        np.testing.assert_array_equal(getattr(found, name), getattr(vocabulary, name))
    assert found.digest == vocabulary.digest
    assert [path.name for path in tmp_path.iterdir()] == [VOCABULARY]


@pytest.mark.parametrize("kept", [0, 5, 400, -1])
def test_a_damaged_file_is_refused(vocabulary: Vocabulary, tmp_path: Path, kept: int) -> None:
    path = tmp_path / VOCABULARY
    path.write_bytes(vocabulary.serialised[:kept])
    with pytest.raises(IndexFolderError, match=r"vocabulary\.safetensors \(.*--overwrite") as found:
        Vocabulary.open(path)
    assert "\n" not in str(found.value)
    path.unlink()
    with pytest.raises(IndexFolderError, match="No such file"):
        Vocabulary.open(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"rarity": np.ones(1, np.float32)},
        {"lengths": np.full(20, np.nan, np.float32)},
        {"lengths": np.ones(1, np.float32)},
        {"lists": np.zeros((0, SIZE), np.uint8)},
        {"lists": np.zeros((4, SIZE + 1), np.uint8)},
        {"lists": np.zeros((4, SIZE), np.float32)},
        {"projection": np.zeros((4,), np.float32)},
        {"words": np.zeros((), np.float32)},
        {"more": np.zeros(1, np.float32)},
    ],
)
def test_another_file_is_refused(
    vocabulary: Vocabulary, tmp_path: Path, changes: dict[str, np.ndarray]
) -> None:
    arrays = safetensors.numpy.load(vocabulary.serialised) | changes
    (tmp_path / VOCABULARY).write_bytes(safetensors.numpy.save(arrays))
    with pytest.raises(IndexFolderError, match="cannot read the vocabulary"):
        Vocabulary.open(tmp_path / VOCABULARY)


@pytest.fixture
def folder(vocabulary: Vocabulary, tmp_path: Path) -> Path:
    """A model folder whose card names its vocabulary."""
    folder = tmp_path / "tiny"
    write_tiny_model(folder, TINY_PATCHNET)
    vocabulary.write(folder / VOCABULARY)
    with (folder / "model.toml").open("a") as card:
        card.write(f'\n[vocabulary]\nsha256 = "{vocabulary.digest}"\nsources = ["made up"]\n')
    return folder


def test_that_of_a_model_is_the_one_that_its_card_names(
    folder: Path, vocabulary: Vocabulary
) -> None:
    card = read_card(folder)
    found = Vocabulary.of_model(card)
    assert found is not None
    assert found.digest == vocabulary.digest == card.vocabulary_sha256
    assert card.vocabulary == {"sources": ["made up"]}


def test_a_model_may_have_none(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "tiny", TINY_PATCHNET)
    assert Vocabulary.of_model(read_card(tmp_path / "tiny")) is None


def test_that_of_a_model_is_refused_when_it_is_missing_damaged_or_another(
    folder: Path, vocabulary: Vocabulary
) -> None:
    path = folder / VOCABULARY
    other = dataclasses.replace(vocabulary, rarity=vocabulary.rarity + 1).serialised
    for data in (path.read_bytes()[:-1], other):
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"checksum is .*copy the whole model folder"):
            Vocabulary.of_model(read_card(folder))
    path.unlink()
    with pytest.raises(ModelError, match="No such file"):
        Vocabulary.of_model(read_card(folder))


def test_that_of_a_model_is_refused_when_its_centres_are_of_another_size(
    folder: Path, vocabulary: Vocabulary
) -> None:
    longer = {
        name: np.pad(getattr(vocabulary, name), ((0, 0), (0, 1)))
        for name in ("lists", "words", "projection")
    }
    other = dataclasses.replace(vocabulary, **longer)
    other.write(folder / VOCABULARY)
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace(vocabulary.digest, other.digest))
    with pytest.raises(ModelError, match="33 numbers a centre, not 32"):
        Vocabulary.of_model(read_card(folder))


def test_a_card_whose_vocabulary_has_no_checksum_is_refused(folder: Path) -> None:
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace("[vocabulary]\nsha256", "[vocabulary]\nsha1"))
    with pytest.raises(ModelError, match="sha256 is missing"):
        read_card(folder)
