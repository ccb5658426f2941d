"""Batches of patches depend on seed and step alone, and a network learns from them."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import InputError, ModelError
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.batch import Share
from geoloc.learning.training.data import keypoint_source
from geoloc.learning.training.data.keypoint_source import KeypointSource, KeypointValidation
from geoloc.learning.training.job import measure_model, train_model
from geoloc.learning.training.recipe import KeypointChoice, Schedule
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.learning.training.run import TrainingSummary
from geoloc.models.registry import read_card
from geoloc.progress import Silent
from tests.fixtures.indexes import write_model
from tests.fixtures.keypoint_data import RECIPE, ground, place, write_images

CHOICE = KeypointChoice(per_view=40, side_px=160)
SCHEDULE = Schedule(steps=4, batch_size=64, seed=3)
HERE = TrainOptions(device="cpu", workers=0)


class PowerCutError(Exception):
    """What stops a run in these tests."""


class Cut(Silent):
    """Stops the run from outside after some batches."""

    def __init__(self, after: int) -> None:
        self._after, self._counting, self._done = after, False, 0

    def start(self, label: str, total: int, unit: str) -> None:
        self._counting, self._done = label == "training", 0

    def advance(self, count: int = 1) -> None:
        self._done += count
        if self._counting and self._done == self._after:
            raise PowerCutError


@pytest.fixture(autouse=True)
def few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keypoint_source, "_VALIDATION_VIEWS", 12)


@pytest.fixture(scope="module")
def source() -> KeypointSource:
    return KeypointSource([place(ground(1)), place(ground(2), ground(2))], CHOICE, SCHEDULE)


def test_a_batch_depends_on_seed_and_step_alone(source: KeypointSource) -> None:
    third, fourth = source.batch(3), source.batch(4)
    places = [place(ground(1)), place(ground(2), ground(2))]
    again = KeypointSource(places, CHOICE, SCHEDULE).batch(3)
    reseeded = KeypointSource(places, CHOICE, replace(SCHEDULE, seed=4)).batch(3)
    np.testing.assert_array_equal(third.queries, again.queries)
    np.testing.assert_array_equal(third.references, again.references)
    assert not np.array_equal(third.queries, fourth.queries)
    assert not np.array_equal(third.queries, reseeded.queries)
    assert third.queries.shape == third.references.shape == (64, 32, 32, 3)
    assert len(set(third.places.tolist())) == 64


def test_the_shares_of_several_processes_make_the_whole(source: KeypointSource) -> None:
    whole = source.batch(2)
    halves = [source.batch(2, Share(index, 2)) for index in range(2)]
    for name in ("queries", "references", "places", "overlaps"):
        parts = np.concatenate([getattr(half, name) for half in halves])
        np.testing.assert_array_equal(parts, getattr(whole, name))


def test_large_places_and_those_of_many_dates_are_drawn_more_often() -> None:
    small, large = place(ground(1, 200)), place(ground(1, 400))
    dated = place(*[ground(1, 200)] * 3)
    weights = keypoint_source._weights([small, large, dated])
    np.testing.assert_allclose(weights / weights[0], [1, 2, 3])


def test_ground_without_keypoints_is_an_error_and_no_endless_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keypoint_source, "_MAX_BARREN", 5)
    bare = [place(np.full((300, 300, 3), 120, np.uint8))]
    with pytest.raises(InputError, match=r"fewer than 20 keypoints.*\[keypoints\]"):
        KeypointSource(bare, CHOICE, SCHEDULE).batch(0)
    with pytest.raises(InputError, match="5 views of 1 places"):
        KeypointValidation(bare, CHOICE)


class Whole:
    """A run that nothing disturbed."""

    def __init__(self, folder: Path) -> None:
        self.data = write_images(folder / "data")
        self.recipe = folder / "recipe.toml"
        self.recipe.write_text(RECIPE)
        self.folder = folder / "model"
        self.summary: TrainingSummary = train_model(self.recipe, self.data, self.folder, HERE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keypoint_source, "_VALIDATION_VIEWS", 12)
        return Whole(tmp_path_factory.mktemp("whole"))


def course(folder: Path) -> list[dict[str, str]]:
    with (folder / "training.csv").open() as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_few_steps_find_partners_that_chance_does_not(whole: Whole) -> None:
    before, after = whole.summary.untrained, whole.summary.recall
    assert after.queries == after.references > 100
    assert after.at_1 > before.at_1 + 0.25  # measured: 0.16, 0.56
    assert whole.summary.best_step > 0


@pytest.mark.slow
def test_what_was_trained_describes(whole: Whole) -> None:
    kind = PatchNetExtractor(whole.folder).kind
    assert (kind.name, kind.size) == ("model", 16)
    card, recall = measure_model(whole.folder, whole.recipe, whole.data, HERE)
    assert card.architecture == "patchnet"
    assert recall.at_1 == pytest.approx(whole.summary.recall.at_1, abs=0.01)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    with pytest.raises(PowerCutError):
        train_model(whole.recipe, whole.data, folder, HERE, progress=Cut(12))
    train_model(whole.recipe, whole.data, folder, replace(HERE, resume=True))
    assert course(folder) == course(whole.folder)
    assert read_card(folder).weights_sha256 == read_card(whole.folder).weights_sha256


def test_keypoints_are_not_learnt_by_a_network_of_whole_images(
    whole: Whole, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        RECIPE.replace('"patchnet"', '"siamese"').replace(
            "dimension = 16\nwidth = 8", 'backbone = "test_convnext"'
        )
    )
    with pytest.raises(ModelError, match="describes no keypoints"):
        train_model(wrong, whole.data, tmp_path / "model", HERE)
    with pytest.raises(ModelError, match="describes no keypoints"):
        measure_model(write_model(tmp_path / "clnet"), whole.recipe, whole.data, HERE)


def test_whole_images_are_not_learnt_by_a_network_of_keypoints(
    whole: Whole, tmp_path: Path
) -> None:
    aerial = tmp_path / "aerial.toml"
    start, end = RECIPE.index("[keypoints]"), RECIPE.index("[loss]")
    aerial.write_text((RECIPE[:start] + RECIPE[end:]).replace('dataset = "keypoints"\n', ""))
    data = Path(shutil.copytree(whole.data, tmp_path / "data"))
    with pytest.raises(ModelError, match="describes keypoints and embeds no images"):
        train_model(aerial, data, tmp_path / "model", HERE)


def test_the_section_of_keypoints_belongs_to_them_alone(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE + "\n[pairs]\nturn_deg = 5.0\n")
    with pytest.raises(ModelError, match=r"\[pairs\] means nothing for keypoints"):
        read_recipe(path)
    path.write_text(RECIPE.replace('dataset = "keypoints"', 'dataset = "aerial"'))
    with pytest.raises(ModelError, match=r"\[keypoints\] means nothing for aerial images"):
        read_recipe(path)
    assert read_recipe("local-aerial").keypoints == KeypointChoice()
