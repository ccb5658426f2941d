"""The card that a training run writes: the recipe's card, with checksum and accuracy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geoloc.training.measurement import Recall
from geoloc.training.recipe import Recipe
from geoloc.zoo import CARD_NAME, ModelCard, card_from

MEASURED_WITH = "geoloc train {recipe} --data FOLDER --evaluate {name}"
PROTOCOL = (
    "one made-up photo of each tile of places held out from training (another date where there is "
    "one; wrong turn, scale, middle and tilt as in [pairs] of the recipe), among all those tiles; "
    "the best step was chosen on the same tiles"
)


def draft_card(recipe: Recipe, folder: Path) -> ModelCard:
    """The card of a network that is not trained yet.

    Raises:
        ModelError: if the recipe's card lacks something.
    """
    return card_from({**recipe.card, "weights": {"sha256": ""}}, folder)


def write_card(
    recipe: Recipe, folder: Path, *, checksum: str, recall: Recall, untrained: Recall
) -> None:
    """Write ``model.toml`` of the weights with that checksum, under a temporary name first.

    Args:
        recipe: What was trained.
        folder: The model folder.
        checksum: Of the weights.
        recall: Of these weights.
        untrained: Of the same network before training: what chance and structure alone give.
    """
    accuracy = {
        "protocol": PROTOCOL,
        "command": MEASURED_WITH.format(recipe="recipe.toml", name=recipe.card["name"]),
        "photos": recall.photos,
        "tiles": recall.tiles,
        "recall_at_1": round(recall.at_1, 4),
        "recall_at_5": round(recall.at_5, 4),
        "recall_at_10": round(recall.at_10, 4),
        "untrained_recall_at_1": round(untrained.at_1, 4),
        "untrained_recall_at_5": round(untrained.at_5, 4),
        "untrained_recall_at_10": round(untrained.at_10, 4),
    }
    document = {**recipe.card, "weights": {"sha256": checksum}, "accuracy": [accuracy]}
    path = folder / CARD_NAME
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(to_toml(document), encoding="utf-8")
    temporary.replace(path)


def to_toml(document: Mapping[str, Any]) -> str:
    """A TOML document of strings, numbers, booleans, lists and tables."""
    return "\n".join(_lines(document, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Plain values first, then the tables below them, as TOML wants it."""
    for key, value in table.items():
        if not _is_table(value):
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_lines(value, f"{name}."))
        elif _is_table(value):
            for each in value:
                yield from ("", f"[[{name}]]", *_lines(each, f"{name}."))


def _is_table(value: object) -> bool:
    is_list = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping) or is_list
