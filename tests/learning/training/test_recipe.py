from __future__ import annotations

from pathlib import Path

import pytest
import torch

from geoloc.errors import ModelError
from geoloc.learning.training.model_folder import draft_card
from geoloc.learning.training.objective import build_loss
from geoloc.learning.training.recipe import AERIAL, LossChoice
from geoloc.learning.training.recipe_file import list_recipes, read_recipe
from geoloc.models.registry import build_network
from tests.fixtures.training_data import PAIRS_RECIPE, RECIPE

BUNDLED_MODELS = Path(__file__).parents[3] / "models"


def test_a_recipe_says_what_its_file_says(recipe_path: Path) -> None:
    recipe = read_recipe(recipe_path)
    assert recipe.data.held_out_places == ("Kept",)
    assert recipe.schedule.steps == 4
    assert recipe.pairs.offset == 0.25
    assert recipe.card["name"] == "tiny"


@pytest.mark.parametrize(
    ("recipe", "old", "new", "said"),
    [
        (RECIPE, "[schedule]", "[plan]", "plan"),
        (RECIPE, "steps = 4", "stops = 4", "stops"),
        (RECIPE, "steps = 4", "", "steps or epochs"),
        (RECIPE, "steps = 4", "steps = 4\nepochs = 1", "steps or epochs"),
        (RECIPE, "steps = 4", 'steps = "4"', "expected int"),
        (RECIPE, "steps = 4", "steps = true", "expected int"),
        (RECIPE, "batch_size = 4", "batch_size = 1", "negatives"),
        (RECIPE, "[data]", "[data", "recipe"),
        (RECIPE, 'tables = ["aerial/images.csv"]', "", "tables"),
        (RECIPE, "[schedule]", "[sampling]\nrange = 9\n[schedule]", "means nothing"),
        (RECIPE, "[schedule]", "[pairs]\nzoom = [1.0]\n[schedule]", "zoom"),
        (PAIRS_RECIPE, "[schedule]", "[pairs]\noffset = 0.1\n[schedule]", "means nothing"),
        (PAIRS_RECIPE, "[schedule]", "[sampling]\nselect = 999\n[schedule]", "always"),
        (PAIRS_RECIPE, "[schedule]", '[loss]\nname = "triplet"\n[schedule]', "infonce"),
        (RECIPE, "[schedule]", "[loss]\nheading_negatives = -1\n[schedule]", "0 or more"),
        (RECIPE, "[schedule]", "[loss]\nheading_least_deg = 181\n[schedule]", "to 180"),
        (
            RECIPE,
            "[schedule]",
            '[loss]\nname = "weighted-infonce"\nheading_negatives = 1\n[schedule]',
            "need .*infonce",
        ),
        (PAIRS_RECIPE, '"fp32"', '"fp8"', "bf16"),
        (PAIRS_RECIPE, '"pairs"', '"pairs"\nheld_out_share = 1.0', "held_out_share"),
    ],
)
def test_a_broken_recipe_is_refused(
    recipe_path: Path, recipe: str, old: str, new: str, said: str
) -> None:
    recipe_path.write_text(recipe.replace(old, new))
    with pytest.raises(ModelError, match=said):
        read_recipe(recipe_path)


def test_a_missing_recipe_is_refused_with_the_names_of_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="clnet-pairs"):
        read_recipe(tmp_path / "absent.toml")


def test_a_recipe_that_came_along_is_found_by_its_name() -> None:
    assert read_recipe("clnet-pairs") == read_recipe(
        BUNDLED_MODELS / "recipes" / "clnet-pairs.toml"
    )


def test_numbers_of_toml_that_are_whole_may_stand_for_real_ones(recipe_path: Path) -> None:
    recipe_path.write_text(RECIPE + "weight_decay = 1\n")
    assert read_recipe(recipe_path).schedule.weight_decay == 1


def test_recipes_differ_by_what_they_do_only(recipe_path: Path) -> None:
    fingerprint = read_recipe(recipe_path).fingerprint
    recipe_path.write_text("# more\n" + RECIPE)
    assert read_recipe(recipe_path).fingerprint == fingerprint
    recipe_path.write_text(RECIPE.replace("steps = 4", "steps = 5"))
    assert read_recipe(recipe_path).fingerprint != fingerprint


def test_the_recipe_of_the_model_on_the_shelf_says_what_it_always_said() -> None:
    recipe = read_recipe(BUNDLED_MODELS / "clnet-aerial" / "recipe.toml")
    assert recipe.card["name"] == "clnet-aerial"
    assert recipe.data.dataset == AERIAL
    schedule = recipe.schedule
    assert (schedule.size_px, schedule.small_steps, schedule.small_size_px) == (128, 2400, 96)
    assert (schedule.clip_norm, schedule.clip_value, schedule.decay_all) == (1.0, 0.0, False)
    assert recipe.loss == LossChoice("infonce", label_smoothing=0.1, temperature=0.07)


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_that_came_along_builds_its_network(name: str) -> None:
    recipe = read_recipe(name)
    card = draft_card(recipe.card, Path("nowhere"))
    assert card.name == name
    with torch.device("meta"):
        network = build_network(card)
        build_loss(recipe.loss, network)
    assert network.dimension == card.dimension
    if card.architecture == "clnet" and recipe.data.dataset not in (AERIAL, "pairs"):
        ground = card.input_size(next(view for view in card.views if view != "satellite"))
        assert recipe.card["options"]["ground_grid"] == [side // 32 for side in ground]
