from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import ModelError
from geoloc.training.recipe import read_recipe


def test_a_recipe_says_what_its_file_says(recipe_path: Path) -> None:
    recipe = read_recipe(recipe_path)
    assert recipe.data.held_out_places == ("Kept",)
    assert recipe.schedule.steps == 4
    assert recipe.pairs.offset == 0.25
    assert recipe.card["name"] == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[schedule]", "[plan]", "schedule"),
        ("steps = 4", "stops = 4", "stops"),
        ("steps = 4", "", "steps"),
        ("[data]", "[data", "recipe"),
    ],
)
def test_a_broken_recipe_is_refused(recipe_path: Path, old: str, new: str, said: str) -> None:
    recipe_path.write_text(recipe_path.read_text().replace(old, new))
    with pytest.raises(ModelError, match=said):
        read_recipe(recipe_path)


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_recipe(tmp_path / "absent.toml")


def test_the_recipes_on_the_shelf_can_be_read() -> None:
    shelf = Path(__file__).parents[2] / "models"
    recipes = list(shelf.glob("*/recipe.toml"))
    assert recipes
    for path in recipes:
        assert read_recipe(path).card["name"] == path.parent.name
