"""The network that a run begins with: built from its card, its weights from wherever they come."""

from __future__ import annotations

import torch
from torch import nn

from geoloc.errors import ModelError
from geoloc.learning.training.recipe import Recipe
from geoloc.models.card import ModelCard
from geoloc.models.pretrained import load_backbone_weights
from geoloc.models.registry import build_network, read_card, verify_weights
from geoloc.models.weights import load_strictly, read_tensors


def build_for_training(
    recipe: Recipe, card: ModelCard, *, backbone_weights: str | None = None
) -> tuple[nn.Module, str]:
    """The network of a card as the recipe wants it to begin, and its backbone's weights by name.

    Args:
        recipe: For its seed, its initial weights and gradient checkpointing.
        card: Card of the network.
        backbone_weights: ``pretrained`` for timm's own, or a file of them.

    Returns:
        The network, on the CPU; and where its backbone's weights come from with their licence,
        empty where they come from chance.

    Raises:
        ModelError: if weights are missing or do not fit, or the network cannot checkpoint.
        DependencyError: if weights would have to be downloaded and cannot be.
    """
    torch.manual_seed(recipe.schedule.seed)
    network = build_network(card)
    if recipe.schedule.initial_weights:
        start_from(network, recipe.schedule.initial_weights)
    name = ""
    if backbone_weights:
        origin = load_backbone_weights(network, backbone_weights)
        name = f"{origin.source} ({origin.licence or 'licence not stated'})"
    if recipe.schedule.gradient_checkpointing:
        switch = getattr(network, "set_grad_checkpointing", None)
        if switch is None:
            raise ModelError(
                f"a network of architecture {card.architecture} cannot checkpoint gradients; "
                "expected clnet, mean, siamese or statewide; set gradient_checkpointing = false"
            )
        switch()
    return network, name


def keep_backbone(network: nn.Module) -> None:
    """Take the backbone out of training, unless the network is nothing else.

    What is behind it is learnt at a third of the cost, and little is forgotten.
    """
    parts = {
        parameter: name.split(".")[0].endswith("backbone")
        for name, parameter in network.named_parameters()
    }
    if not all(parts.values()):
        for parameter, is_backbone in parts.items():
            parameter.requires_grad_(parameter.requires_grad and not is_backbone)


def start_from(network: nn.Module, model: str) -> None:
    """Give a network the weights of a trained model of the same options.

    Args:
        network: Network of the recipe's card.
        model: The name of a bundled model or a model folder.

    Raises:
        ModelError: if there is no such model, or it is another network.
    """
    card = read_card(model)
    verify_weights(card)
    load_strictly(network, read_tensors(card.weights_path), path=card.weights_path)
