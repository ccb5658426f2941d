"""Street photos meet crops of the map around their place, cut anew for each step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import InputError, OptionError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training.batch import Batch, Share
from geoloc.learning.training.data.crop_source import CropSource, CropValidation
from geoloc.learning.training.data.sources import TrainingData, open_training_data
from geoloc.learning.training.job import measure_model, train_model
from geoloc.learning.training.model_folder import draft_card
from geoloc.learning.training.recipe import Recipe
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.models.card import TileCrops
from geoloc.models.check import check_model
from geoloc.models.registry import read_card

HERE = TrainOptions(device="cpu", workers=0)


def _open(recipe: Recipe, streets: Path) -> TrainingData:
    return open_training_data(recipe, draft_card(recipe.card, Path("nowhere")), streets)


@pytest.fixture
def recipe(streets_recipe: Path) -> Recipe:
    return read_recipe(streets_recipe)


@pytest.fixture
def data(recipe: Recipe, streets: Path) -> TrainingData:
    return _open(recipe, streets)


def _middles(batch: Batch) -> np.ndarray:
    """(B, L, 2) column and row of the map in the middle of each crop."""
    return batch.references[:, :, 15:17, 15:17, :2].mean(axis=(2, 3))


def test_photos_keep_their_shape_and_crops_come_in_all_sizes(data: TrainingData) -> None:
    batch = data.source.batch(0)
    assert isinstance(data.source, CropSource)
    assert batch.queries.shape == (4, 32, 64, 3)
    assert batch.references.shape == (4, 2, 32, 32, 3)
    lit = batch.queries.any(axis=(0, 1, 3))
    assert np.flatnonzero(lit).tolist() == list(range(20, 44))  # 48 x 64 in 32 x 64


@pytest.mark.parametrize("offset_m", [0.0, 10.0])
def test_crops_lie_around_the_photos_place(recipe: Recipe, streets: Path, offset_m: float) -> None:
    source = _open(replace(recipe, data=replace(recipe.data, offset_m=offset_m)), streets).source
    places = {(80 + 30 * (n % 4), 90 + 70 * (n // 4)) for n in range(8)}
    seen = np.concatenate([_middles(source.batch(step)) for step in range(6)])
    reaches = []
    for small, large in seen:
        assert small == pytest.approx(large, abs=1.5)
        reaches.append(min(max(abs(small[0] - x), abs(small[1] - y)) for x, y in places))
    assert offset_m / 2 <= max(reaches) < offset_m + 2  # the map's north is not quite the true one


def test_bearings_are_drawn_anew_and_shared_by_the_crops_of_a_place(data: TrainingData) -> None:
    """The red of a crop grows to the east: its slope along a row tells the bearing."""
    bearings = []
    for step in range(4):
        red = data.source.batch(step).references[..., 0].astype(float)
        across = red[:, :, 14:18, 20].mean(axis=2) - red[:, :, 14:18, 12].mean(axis=2)
        down = red[:, :, 20, 14:18].mean(axis=2) - red[:, :, 12, 14:18].mean(axis=2)
        bearings.append(np.degrees(np.arctan2(-down, across)))
    found = np.concatenate(bearings)
    apart = (found[:, 0] - found[:, 1] + 180) % 360 - 180
    assert np.abs(apart).max() < 12
    assert len(set(np.round(found[:, 0] / 45))) > 4


def test_a_step_is_the_same_batch_whoever_asks(data: TrainingData) -> None:
    whole, again = data.source.batch(3), data.source.batch(3)
    half = data.source.batch(3, Share(1, 2))
    assert np.array_equal(whole.references, again.references)
    assert np.array_equal(whole.references[2:], half.references)
    assert not np.array_equal(whole.references, data.source.batch(4).references)


def test_both_are_mirrored_together(recipe: Recipe, streets: Path) -> None:
    mirrored = replace(recipe, augmentation=replace(recipe.augmentation, flip=1.0))
    one, other = (_open(each, streets).source.batch(1) for each in (recipe, mirrored))
    assert np.array_equal(one.queries[:, :, ::-1], other.queries)
    assert np.array_equal(one.references[..., ::-1, :], other.references)


def test_what_is_only_done_to_tiles_and_rings_is_refused(recipe: Recipe, streets: Path) -> None:
    for name, value in (("quarter_turns", 0.5), ("sector", 0.1), ("roll", 0.1)):
        wrong = replace(recipe.augmentation, **{name: value})
        with pytest.raises(OptionError, match="at any bearing"):
            _open(replace(recipe, augmentation=wrong), streets)
    similar = replace(recipe.sampling, neighbours="similarity")
    with pytest.raises(OptionError, match="compares tiles"):
        _open(replace(recipe, sampling=similar), streets)


def test_photos_that_are_no_rings_have_no_wrong_heading(recipe: Recipe, streets: Path) -> None:
    wanted = replace(recipe, loss=replace(recipe.loss, heading_negatives=2))
    with pytest.raises(OptionError, match="takes photos whole; expected rings of known heading"):
        _open(wanted, streets)
    rings = {**recipe.card["input"], "ground_fit": "ring"}
    with pytest.raises(OptionError, match="at any bearing; expected rings"):
        _open(replace(wanted, card={**recipe.card, "input": rings}), streets)


def test_a_photo_without_a_position_is_named(recipe: Recipe, streets: Path) -> None:
    table = streets / "pairs.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    blank = [[*cells[:3], "", "", *cells[5:]] for cells in lines[1:]]
    table.write_text("\n".join(",".join(cells) for cells in [lines[0], *blank]) + "\n")
    with pytest.raises(InputError, match=r"photo\d\.png has no position"):
        _open(recipe, streets)


def test_validation_looks_for_places_as_an_index_has_them(data: TrainingData) -> None:
    assert isinstance(data.validation, CropValidation)
    assert "2 photos of unknown heading among the crops around 2 places" in data.validation.protocol
    crops = data.validation._crops
    assert crops.shape == (2, 2, 32, 32, 3)
    # South is up: red, which grows to the east, falls along a row.
    assert (crops[:, 0, 16, 20, 0] < crops[:, 0, 16, 12, 0]).all()


@pytest.mark.slow
def test_a_run_writes_a_model_that_sees_crops(
    streets_recipe: Path, streets: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    summary = train_model(streets_recipe, streets, folder, HERE)
    card = read_card(folder)
    assert card.crops == TileCrops((32.0, 64.0), 32, bearing_deg=180.0)
    assert card.ground_fit == "letterbox"
    assert check_model(folder).views == ("satellite", "ground")
    _, recall = measure_model(folder, streets_recipe, streets, HERE)
    assert recall == summary.recall
