"""A training run writes a model folder that loads; its parts do what the recipe says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from geoloc import zoo
from geoloc.errors import InputError, OutputExistsError
from geoloc.options import TrainOptions
from geoloc.training.recipe import read_recipe
from geoloc.training.trainer import measure_model, train_model

HERE = TrainOptions(device="cpu", workers=0)


def steps_of(folder: Path) -> list[str]:
    with (folder / "training.csv").open() as file:
        return [row["step"] for row in csv.DictReader(file)]


def test_a_run_writes_a_model_that_loads(recipe_path: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    summary = train_model(recipe_path, data, folder, HERE)
    card = zoo.load_model(folder).card
    assert card.name == "tiny"
    assert card.training == {"summary": "made up", "recipe": "recipe.toml"}
    assert (folder / "recipe.toml").read_text() == recipe_path.read_text()
    assert card.accuracy[0]["references"] == summary.recall.references == 4
    assert card.accuracy[0]["recall_at_1"] == round(summary.recall.at_1, 4)
    assert steps_of(folder) == ["0", "2", "4"]
    assert not list(folder.glob("*.tmp"))
    _, recall = measure_model(folder, recipe_path, data, HERE)
    assert recall == summary.recall


def test_two_runs_of_one_recipe_make_the_same_weights(
    recipe_path: Path, data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_path)
    for name in ("one", "two"):
        train_model(recipe, data, tmp_path / name, HERE)
    one, two = (zoo.read_card(tmp_path / name).weights_sha256 for name in ("one", "two"))
    assert one == two


def test_a_folder_that_holds_something_is_not_written_to(recipe_path: Path, data: Path) -> None:
    with pytest.raises(OutputExistsError):
        train_model(recipe_path, data, data, HERE)


def test_a_recipe_that_holds_nothing_out_is_refused(
    recipe_path: Path, data: Path, tmp_path: Path
) -> None:
    recipe_path.write_text(recipe_path.read_text().replace('"Kept"', '"Nowhere"'))
    with pytest.raises(InputError, match="0 held out"):
        train_model(recipe_path, data, tmp_path / "model", HERE)
