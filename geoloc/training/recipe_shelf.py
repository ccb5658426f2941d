"""The recipes that come along: their names, their files, what each is for. Loads nothing heavy."""

from __future__ import annotations

import tomllib
from pathlib import Path

from geoloc.errors import ModelError
from geoloc.zoo import shelf

_RECIPES = "recipes"


def list_recipes() -> list[str]:
    """Names of the recipes that came with this installation or checkout, sorted."""
    return sorted(path.stem for path in (shelf() / _RECIPES).glob("*.toml"))


def find_recipe(name_or_path: str | Path) -> Path:
    """A recipe's file, by its path or by its name in ``models/recipes``.

    Raises:
        ModelError: if there is neither.
    """
    for path in (Path(name_or_path), shelf() / _RECIPES / f"{name_or_path}.toml"):
        if path.is_file():
            return path
    raise ModelError(
        f"no recipe {str(name_or_path)!r}; expected a TOML file or one of "
        f"{', '.join(list_recipes()) or 'none'}; name another",
        path=name_or_path,
    )


def recipe_text(name_or_path: str | Path) -> str:
    """A recipe as its file says it, comments and all.

    Raises:
        ModelError: if there is none.
    """
    return find_recipe(name_or_path).read_text(encoding="utf-8")


def recipe_purposes() -> list[tuple[str, str]]:
    """The name of each recipe that came along, and the model that it makes in one sentence."""
    purposes = []
    for name in list_recipes():
        card = tomllib.loads(recipe_text(name)).get("card", {})
        purposes.append((name, str(card.get("description", ""))))
    return purposes
