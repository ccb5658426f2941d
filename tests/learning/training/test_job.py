"""A training run writes a model folder that loads; its parts do what the recipe says."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from geoloc.errors import GeolocError, InputError, ModelError, OutputExistsError
from geoloc.learning.options import TrainOptions
from geoloc.learning.training import processes
from geoloc.learning.training.job import claimed_folder, measure_model, train_model
from geoloc.learning.training.recipe import Recipe
from geoloc.learning.training.recipe_file import list_recipes, read_recipe
from geoloc.learning.training.run_state import CHECKPOINT_NAME
from geoloc.models import registry
from geoloc.models.weights import read_tensors
from geoloc.storage.atomic import draft_name
from tests.fixtures.dataset_layouts import (
    write_cvact,
    write_cvusa,
    write_sues200,
    write_university1652,
    write_vigor,
)
from tests.fixtures.progress import RecordedProgress

HERE = TrainOptions(device="cpu", workers=0)


def steps_of(folder: Path) -> list[str]:
    with (folder / "training.csv").open() as file:
        return [row["step"] for row in csv.DictReader(file)]


def test_a_resumed_run_removes_what_a_killed_one_left_half_written(tmp_path: Path) -> None:
    draft_name(tmp_path / CHECKPOINT_NAME).write_bytes(b"half")
    (tmp_path / CHECKPOINT_NAME).write_bytes(b"whole")
    with claimed_folder(
        tmp_path, TrainOptions(resume=True), processes.OneProcess(torch.device("cpu"))
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_NAME]


@pytest.mark.slow
def test_a_run_writes_a_model_that_loads(recipe_path: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    summary = train_model(recipe_path, data, folder, HERE)
    card = registry.load_model(folder).card
    assert card.name == "model"  # its folder's, for a recipe may be trained more than once
    assert card.training == {"summary": "made up", "recipe": "recipe.toml"}
    assert (folder / "recipe.toml").read_text() == recipe_path.read_text()
    assert card.accuracy[0]["command"].endswith("--evaluate model")
    assert card.accuracy[0]["references"] == summary.recall.references == 4
    assert card.accuracy[0]["recall_at_1"] == round(summary.recall.at_1, 4)
    assert steps_of(folder) == ["0", "2", "4"]
    assert not list(folder.glob("*.tmp*"))
    _, recall = measure_model(folder, recipe_path, data, HERE)
    assert recall == summary.recall


@pytest.mark.slow
def test_two_runs_of_one_recipe_make_the_same_weights(
    recipe_path: Path, data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_path)
    for name in ("one", "two"):
        train_model(recipe, data, tmp_path / name, HERE)
    one, two = (registry.read_card(tmp_path / name).weights_sha256 for name in ("one", "two"))
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


@pytest.mark.slow
def test_places_can_be_kept_back_where_there_is_a_test(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    said = '"pairs"\nheld_out_share = 0.25'
    pairs_recipe.write_text(pairs_recipe.read_text().replace('"pairs"', said))
    summary = train_model(pairs_recipe, pairs, tmp_path / "model", HERE)
    assert summary.recall.queries == summary.recall.references == 3  # of 12


@pytest.mark.slow
def test_pairs_without_a_test_keep_some_places_back_by_themselves(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace(",test,", ",train,"))
    progress = RecordedProgress()
    summary = train_model(pairs_recipe, pairs, tmp_path / "model", HERE, progress=progress)
    assert summary.recall.queries == summary.recall.references == 4  # of 18
    assert "20% of its places are held out at random" in progress.warnings[0]


def test_a_test_that_is_named_and_not_there_is_told(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    pairs_recipe.write_text(pairs_recipe.read_text().replace('"pairs"', '"pairs"\ntest = "other"'))
    with pytest.raises(InputError, match="held_out_share"):
        train_model(pairs_recipe, pairs, tmp_path / "model", HERE)


@pytest.mark.slow
def test_tuning_begins_with_the_weights_of_the_model_it_names(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    first = train_model(pairs_recipe, pairs, tmp_path / "first", HERE)
    recipe = pairs_recipe.read_text().replace("epochs = 2", "epochs = 1\nlearning_rate = 1e-9")
    pairs_recipe.write_text(recipe + f'initial_weights = "{first.folder}"\n')
    second = train_model(pairs_recipe, pairs, tmp_path / "second", HERE)
    assert second.untrained == first.recall
    card = registry.read_card(second.folder)
    assert card.training["initial_weights"] == "first"
    weights = [read_tensors(each.folder / "model.safetensors") for each in (first, second)]
    assert all(torch.allclose(weights[0][key], weights[1][key], atol=1e-6) for key in weights[0])


def test_weights_of_another_network_are_refused(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    pairs_recipe.write_text(pairs_recipe.read_text() + 'initial_weights = "clnet-aerial"\n')
    with pytest.raises(ModelError, match="does not fit"):
        train_model(pairs_recipe, pairs, tmp_path / "model", HERE)


def test_published_weights_of_the_backbone_are_told_in_the_card(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    published = timm.create_model("test_convnext", pretrained=False)
    safetensors.torch.save_file(published.state_dict(), tmp_path / "backbone.safetensors")
    pairs_recipe.write_text(pairs_recipe.read_text().replace("epochs = 2", "steps = 1"))
    options = replace(HERE, backbone_weights=str(tmp_path / "backbone.safetensors"))
    train_model(pairs_recipe, pairs, tmp_path / "model", options)
    card = registry.read_card(tmp_path / "model")
    assert card.training["backbone_weights"] == "backbone.safetensors (licence not stated)"


def test_a_loss_that_is_no_number_ends_the_run(
    pairs_recipe: Path, pairs: Path, tmp_path: Path
) -> None:
    recipe = pairs_recipe.read_text() + "learning_rate = 1e30\nclip_norm = 0\n"
    pairs_recipe.write_text(recipe)
    with pytest.raises(GeolocError, match="learning_rate"):
        train_model(pairs_recipe, pairs, tmp_path / "model", HERE)


WRITERS: dict[str, Callable[[Path], Path]] = {
    "cvusa": write_cvusa,
    "cvact": write_cvact,
    "vigor-same": write_vigor,
    "vigor-cross": write_vigor,
    "university1652": write_university1652,
    "sues200": write_sues200,
}


def miniature(recipe: Recipe) -> Recipe:
    """The same recipe for a network, images and a schedule of next to nothing."""
    card = dict(recipe.card)
    sizes = {view: [32, 96 if view == "ground" else 32] for view in card["views"]}
    card["input"] = {**card["input"], "size": sizes}
    card["options"] = {**card["options"], "backbone": "test_convnext"}
    card["dimension"] = 64
    schedule = replace(
        recipe.schedule, epochs=0.0, steps=1, batch_size=2, gradient_checkpointing=True
    )
    schedule = replace(schedule, validation_queries=3, precision="bf16")
    return replace(recipe, card=card, schedule=schedule)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in list_recipes() if read_recipe(name).data.dataset in WRITERS]
)
def test_a_recipe_that_came_along_trains_on_a_miniature_of_its_data_set(
    name: str, tmp_path: Path
) -> None:
    recipe = miniature(read_recipe(name))
    folder = WRITERS[recipe.data.dataset](tmp_path / "data")
    train_model(recipe, folder, tmp_path / "model", HERE)
    card = registry.load_model(tmp_path / "model").card
    assert recipe.data.dataset in str(card.accuracy[0]["protocol"])
    assert (
        card.input_sizes
        == registry.card_from({**recipe.card, "weights": {"sha256": ""}}, tmp_path).input_sizes
    )
    if card.architecture == "mean":
        assert card.options["classes"] != 701
