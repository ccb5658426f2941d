"""The card that a training run writes: the recipe's card, with checksum and accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from geoloc.learning.training.recall import Recall
from geoloc.learning.training.recipe import Recipe
from geoloc.models.card import ModelCard, card_from

RECIPE_NAME = "recipe.toml"
_MEASURED_WITH = "geoloc train {recipe} --data FOLDER --evaluate {name}"


def draft_card(document: Mapping[str, Any], folder: Path) -> ModelCard:
    """The card of a network that is not trained yet.

    Args:
        document: The recipe's [card].
        folder: The model folder.

    Raises:
        ModelError: if the recipe's card lacks something.
    """
    return card_from({**document, "weights": {"sha256": ""}}, folder)


def complete_card(recipe: Recipe, folder: Path, *, places: int) -> dict[str, Any]:
    """The recipe's card with what the run adds to it: name, classes, where the weights began.

    Args:
        recipe: Recipe of the run.
        folder: The model folder, after which the model is named: ``--model`` finds it by that
            name, and two models of one recipe are told apart.
        places: Number of training places; MEAN classifies them.
    """
    document = {**recipe.card, "name": folder.resolve().name}
    if recipe.loss.name == "mean":
        document["options"] = {**document.get("options", {}), "classes": places}
    began = {"recipe": RECIPE_NAME} if recipe.text else {}
    if recipe.schedule.initial_weights:
        # Of a path the name alone: the card travels, the folders of its maker do not.
        began["initial_weights"] = Path(recipe.schedule.initial_weights).name
    document["training"] = {**document.get("training", {}), **began}
    return document


@dataclass(frozen=True)
class Measurement:
    """Measured recall of weights, for their card.

    Attributes:
        protocol: Protocol of both measurements.
        recall: Recall of these weights.
        untrained: Recall of the same network before the run.
        backbone: Origin of the backbone's initial weights; empty if they were random.
        command: What measured them, where it was not ``geoloc train``.
        steps: For a model that was trained before: after how many batches these are its weights.
    """

    protocol: str
    recall: Recall
    untrained: Recall
    backbone: str = ""
    command: str = ""
    steps: int | None = None


def card_text(document: Mapping[str, Any], *, checksum: str, measured: Measurement) -> str:
    """The text of ``model.toml`` of the weights with that checksum.

    Args:
        document: The card without weights and accuracy.
        checksum: SHA-256 of the weights.
        measured: Their accuracy.
    """
    recall, untrained = measured.recall, measured.untrained
    before = "untrained" if measured.steps is None else "before"
    by_training = _MEASURED_WITH.format(recipe=RECIPE_NAME, name=document["name"])
    accuracy = {
        "protocol": measured.protocol,
        "command": measured.command or by_training,
        "queries": recall.queries,
        "references": recall.references,
        **{f"recall_at_{k}": round(getattr(recall, f"at_{k}"), 4) for k in (1, 5, 10)},
        **{f"{before}_recall_at_{k}": round(getattr(untrained, f"at_{k}"), 4) for k in (1, 5, 10)},
    }
    training = dict(document.get("training", {}))
    if measured.backbone:
        training["backbone_weights"] = measured.backbone
    if measured.steps is not None:
        training["steps"] = measured.steps
    weights = {"sha256": checksum}
    whole = {**document, "training": training, "weights": weights, "accuracy": [accuracy]}
    return tomli_w.dumps(whole)
