"""Bundled models: finding a model folder, reading its card, loading its network.

A model is a folder with ``model.toml``, the card, and ``model.safetensors``, the weights. The card
is read without torch, because cutting tiles needs only the ground size that it states.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from geoloc.errors import ModelError
from geoloc.models.card import _OF_KEYPOINTS, CARD_NAME, ModelCard, _broken_card, card_from

if TYPE_CHECKING:
    import torch
    from torch import nn


class LoadedModel(Protocol):
    """What `load_model` returns: the network, a ``torch.nn.Module``, that holds its card."""

    card: ModelCard

    def __call__(self, images: torch.Tensor, view: str) -> torch.Tensor:
        """Unit vectors (B, dimension) float32 of normalised images of one view.

        Images are (B, 3, H, W), or (B, L, 3, S, S) where the card says which L crops of a tile
        the network sees.
        """

    def eval(self) -> nn.Module:
        """The network in evaluation mode."""

    def to(self, device: torch.device) -> nn.Module:
        """The network on `device`."""


def bundled_models_folder() -> Path:
    """The folder of models that came with this installation or checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "_models"
    return packaged if packaged.is_dir() else package.parent / "models"


def list_models() -> list[str]:
    """Names of the bundled models, sorted."""
    return sorted(path.parent.name for path in bundled_models_folder().glob(f"*/{CARD_NAME}"))


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a bundled model, or of the path that was given.

    Raises:
        ModelError: if there is neither.
    """
    for folder in (bundled_models_folder() / name_or_path, Path(name_or_path)):
        if (folder / CARD_NAME).is_file():
            return folder
    known = ", ".join(list_models()) or "none"
    raise ModelError(
        f"no model {str(name_or_path)!r}; expected the name of a bundled model ({known}) or "
        f"a folder with {CARD_NAME}; pass --model NAME or --model FOLDER",
        path=name_or_path,
    )


def read_card(name_or_path: str | Path) -> ModelCard:
    """The card of a model, without loading torch.

    Raises:
        ModelError: if there is no such model, or its card is broken or incomplete.
    """
    folder = find_model(name_or_path)
    path = folder / CARD_NAME
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _broken_card(path, str(error)) from error
    return card_from(document, folder)


def verify_weights(card: ModelCard) -> None:
    """Compare the weights with the checksum of the card.

    Raises:
        ModelError: if they are missing or others.
    """
    from geoloc.models.weights import sha256_of  # brings torch

    found = sha256_of(card.weights_path)
    if found != card.weights_sha256:
        raise ModelError(
            f"{card.weights_path} has the checksum {found[:12]}..., its card says "
            f"{card.weights_sha256[:12]}...; expected the weights that the card describes; "
            "copy the whole model folder again",
            path=card.weights_path,
        )


def load_model(name_or_path: str | Path, *, device: str | torch.device = "cpu") -> LoadedModel:
    """A network, its weights verified and loaded strictly, in evaluation mode.

    Args:
        name_or_path: The name of a bundled model or a model folder.
        device: Device of the network.

    Raises:
        ModelError: if the model is missing, its card broken, or its weights are not those that
            the card describes.
    """
    import torch

    from geoloc.models.nets.clnet import CLNet
    from geoloc.models.weights import load_strictly, read_tensors

    card = read_card(name_or_path)
    verify_weights(card)
    network = build_network(card)
    load_strictly(network, read_tensors(card.weights_path), path=card.weights_path)
    network = network.to(torch.device(device)).eval()
    if isinstance(network, CLNet):
        network.fold()
    loaded = cast(LoadedModel, network)
    loaded.card = card
    return loaded


def build_network(card: ModelCard) -> nn.Module:
    """The network that a card describes, with random weights.

    Raises:
        ModelError: if the architecture is unknown or its options do not fit it.
    """
    builder = _BUILDERS.get(card.architecture)
    if builder is None:
        raise ModelError(
            f"architecture {card.architecture!r} of {card.folder} is unknown; expected one of "
            f"{', '.join(_BUILDERS)}; a newer geoloc may know it",
            path=card.folder,
        )
    try:
        return builder(card.options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _broken_card(card.folder / CARD_NAME, f"[options] {error}") from error


def _build_clnet(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.models.nets.clnet import CLNet, CLNetOptions
    from geoloc.models.nets.neural_map import LatentGrid

    known = {field.name for field in fields(CLNetOptions)}
    if unknown := set(options) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    converted = dict(options)
    for name in ("ground_grid", "satellite_grid", "ground_cells"):
        if name in converted:
            converted[name] = LatentGrid(*converted[name])
    if "levels" in converted:
        converted["levels"] = tuple(converted["levels"])
    return CLNet(CLNetOptions(**converted))


def _build_mean(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.models.nets.mean import MEAN, MeanOptions

    return MEAN(MeanOptions(**options))


def _build_siamese(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.models.nets.siamese import Siamese, SiameseOptions

    return Siamese(SiameseOptions(**options))


def _build_statewide(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.models.nets.statewide import Statewide, StatewideOptions

    return Statewide(StatewideOptions(**options))


def _build_patchnet(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.models.nets.patchnet import PatchNet, PatchOptions

    return PatchNet(PatchOptions(**options))


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "clnet": _build_clnet,
    "mean": _build_mean,
    _OF_KEYPOINTS: _build_patchnet,
    "siamese": _build_siamese,
    "statewide": _build_statewide,
}
