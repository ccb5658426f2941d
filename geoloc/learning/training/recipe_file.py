"""Recipes as TOML files: find, list and read them."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from geoloc.errors import ModelError, OptionError
from geoloc.learning.training.recipe import (
    AERIAL,
    KEYPOINTS,
    AugmentationChoice,
    DataChoice,
    KeypointChoice,
    LossChoice,
    PairChoice,
    Recipe,
    SamplingChoice,
    Schedule,
    Section,
)
from geoloc.models.registry import bundled_models_folder

_SECTIONS: dict[str, type] = {
    "data": DataChoice,
    "schedule": Schedule,
    "pairs": PairChoice,
    "keypoints": KeypointChoice,
    "sampling": SamplingChoice,
    "augmentation": AugmentationChoice,
    "loss": LossChoice,
}


def read_recipe(name_or_path: str | Path) -> Recipe:
    """The recipe in a TOML file, or the one of that name in ``models/recipes``.

    Raises:
        ModelError: if it cannot be read, or says something that no recipe says.
    """
    path = find_recipe(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
        return _recipe(tomllib.loads(text), text)
    except KeyError as error:
        raise _broken(path, f"[{error.args[0]}] is missing") from error
    except (
        OSError,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        TypeError,
        ValueError,
        OptionError,
    ) as error:
        raise _broken(path, str(error)) from error


def _recipe(document: dict[str, Any], text: str) -> Recipe:
    if unknown := set(document) - {"card", *_SECTIONS}:
        raise ValueError(f"it has the unknown tables {', '.join(sorted(unknown))}")
    needed = {name: document[name] for name in ("card", "data", "schedule")}
    dataset = needed["data"].get("dataset", AERIAL)
    own = {AERIAL: {"pairs"}, KEYPOINTS: {"keypoints"}}.get(dataset, {"sampling", "augmentation"})
    foreign = {"pairs", "keypoints", "sampling", "augmentation"} - own
    if misplaced := foreign & set(document):
        source = {AERIAL: "aerial images", KEYPOINTS: "keypoints of aerial images"}.get(
            dataset, "a data set of pairs"
        )
        raise ValueError(f"[{', '.join(sorted(misplaced))}] means nothing for {source}")
    sections: dict[str, Any] = {
        name: _section(kind, name, document.get(name, {})) for name, kind in _SECTIONS.items()
    }
    return Recipe(card=dict(needed["card"]), text=text, **sections)


def _section(kind: type[Section], name: str, values: dict[str, Any]) -> Section:
    """One table as its dataclass; lists become tuples."""
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if unknown := set(values) - known:
        raise ValueError(
            f"[{name}] has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
        )
    frozen = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    hints = get_type_hints(kind)
    for key, value in frozen.items():
        if not _fits(value, hints[key]):
            raise ValueError(f"[{name}] {key} = {value!r}; expected {_told(hints[key])}")
    return kind(**frozen)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value of TOML may stand for what a field is declared as."""
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin is UnionType:
        return any(_fits(value, each) for each in get_args(hint))
    if origin is tuple:
        kinds = get_args(hint)
        if not isinstance(value, tuple) or (kinds[-1] is not ... and len(value) != len(kinds)):
            return False
        return all(_fits(each, kinds[0]) for each in value)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is (origin or hint)


def _told(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    return getattr(hint, "__name__", str(hint)) if get_origin(hint) is None else str(hint)


def _broken(path: Path, fault: str) -> ModelError:
    return ModelError(
        f"{path} is not a training recipe: {fault}; expected the tables [card], [data] and "
        "[schedule]; compare it with the recipes in models/",
        path=path,
    )


_RECIPES = "recipes"


def list_recipes() -> list[str]:
    """Names of the recipes that came with this installation or checkout, sorted."""
    return sorted(path.stem for path in (bundled_models_folder() / _RECIPES).glob("*.toml"))


def find_recipe(name_or_path: str | Path) -> Path:
    """A recipe's file, by its path or by its name in ``models/recipes``.

    Raises:
        ModelError: if there is neither.
    """
    for path in (Path(name_or_path), bundled_models_folder() / _RECIPES / f"{name_or_path}.toml"):
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
