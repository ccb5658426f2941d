"""Check of a model folder: its card, its weights, and the network that they make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from geoloc.errors import ModelError
from geoloc.models.registry import LoadedModel, load_model

# Sums of a batch are taken in another order than those of an image alone.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ModelCheck:
    """What was found out about a model that passed.

    Attributes:
        name: The model's name.
        weights_sha256: The checksum of its weights, as the card says.
        parameters: Number of parameters of its network.
        views: The views that were embedded.
        dimension: Length of their vectors.
    """

    name: str
    weights_sha256: str
    parameters: int
    views: tuple[str, ...]
    dimension: int


def check_model(name_or_path: str | Path) -> ModelCheck:
    """Load a model strictly and embed noise in every view that its card names.

    Raises:
        ModelError: if the card, the weights or the vectors are not what they should be.
    """
    model = load_model(name_or_path)
    card = model.card
    for view in card.views:
        _check_view(model, view)
    return ModelCheck(
        card.name,
        card.weights_sha256,
        sum(parameter.numel() for parameter in model.eval().parameters()),
        card.views,
        card.dimension,
    )


def _check_view(model: LoadedModel, view: str) -> None:
    """Vectors of unit length, of the card's dimension, the same alone as in a batch."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, *model.card.input_shape(view), generator=generator)
    with torch.inference_mode():
        together, alone = model(images, view), model(images[:1], view)
    for fault in _faults(together, alone, model.card.dimension):
        raise ModelError(
            f"model {model.card.name} embeds {view} images wrongly: {fault}; import or train it "
            "again",
            path=model.card.folder,
        )


def _faults(together: Tensor, alone: Tensor, dimension: int) -> list[str]:
    lengths = together.norm(dim=1)
    checks = {
        f"{together.shape[1]} numbers, the card says {dimension}": together.shape[1] == dimension,
        "numbers that are not finite": bool(together.isfinite().all()),
        "not of unit length": torch.allclose(lengths, torch.ones_like(lengths), atol=_TOLERANCE),
        "another vector alone than in a batch": torch.allclose(
            together[:1], alone, atol=_TOLERANCE
        ),
    }
    return [fault for fault, is_passed in checks.items() if not is_passed]
