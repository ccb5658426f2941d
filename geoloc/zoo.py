"""The shelf of models: finding a model folder, reading its card, loading its network.

A model is a folder with ``model.toml``, the card, and ``model.safetensors``, the weights. The card
is read without torch, because cutting tiles needs only the ground size that it states.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from geoloc.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn

CARD_NAME = "model.toml"
WEIGHTS_NAME = "model.safetensors"
# The network that takes patches around keypoints instead of images.
_OF_KEYPOINTS = "patchnet"


class InputSize(NamedTuple):
    """Rows and columns of the images that a network takes, in pixels."""

    height_px: int
    width_px: int


@dataclass(frozen=True)
class ModelCard:
    """What a model says of itself in its ``model.toml``.

    Attributes:
        name: What ``--model`` takes, when the model is on the shelf.
        folder: The model folder.
        description: One sentence for a person.
        architecture: The network that is built, say ``clnet``.
        backbone: The backbone inside it.
        options: The other options of the architecture.
        views: The views that it was trained for; ``satellite`` is the tiles' view.
        dimension: Length of its vectors.
        input_sizes: What each view's images are resized to.
        mean: Of each channel (red, green, blue) of an image in [0, 1].
        std: The same, the scale.
        tile_ground_size_m: Side of the tiles it was trained for, on the ground.
        tile_size_px: Side that such tiles should be cut with.
        weights_sha256: Checksum of the weights.
        training: What it was trained on and how, with licences.
        accuracy: What was measured, each with its protocol, sizes and command.
        ground_span_deg: Elevations of the lower and the upper edge of a ground view's input (see
            `geoloc.streetview`); None where whole images are squashed to it, as the benchmarks do.
    """

    name: str
    folder: Path
    description: str
    architecture: str
    backbone: str
    options: Mapping[str, object]
    views: tuple[str, ...]
    dimension: int
    input_sizes: Mapping[str, InputSize]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    tile_ground_size_m: float
    tile_size_px: int
    weights_sha256: str
    training: Mapping[str, object]
    accuracy: tuple[Mapping[str, object], ...]
    ground_span_deg: tuple[float, float] | None = None

    @property
    def weights_path(self) -> Path:
        """Where its weights lie."""
        return self.folder / WEIGHTS_NAME

    @property
    def describes_keypoints(self) -> bool:
        """Whether it takes patches around keypoints; other models embed whole images."""
        return self.architecture == _OF_KEYPOINTS

    def input_size(self, view: str) -> InputSize:
        """What images of `view` are resized to.

        Raises:
            ModelError: if the model was not trained for that view.
        """
        if view not in self.input_sizes:
            raise ModelError(
                f"model {self.name} knows no view {view!r}; expected one of "
                f"{', '.join(self.views)}; choose another --model",
                path=self.folder,
            )
        return self.input_sizes[view]


class LoadedModel(Protocol):
    """What `load_model` returns: the network, a ``torch.nn.Module``, that holds its card."""

    card: ModelCard

    def __call__(self, images: torch.Tensor, view: str) -> torch.Tensor:
        """Unit vectors (B, dimension) float32 of normalised images (B, 3, H, W) of one view."""

    def eval(self) -> nn.Module:
        """The network in evaluation mode."""

    def to(self, device: torch.device) -> nn.Module:
        """The network on `device`."""


def shelf() -> Path:
    """The folder of models that came with this installation or checkout."""
    packaged = Path(__file__).parent / "_models"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "models"


def list_models() -> list[str]:
    """Names of the models on the shelf, sorted."""
    return sorted(path.parent.name for path in shelf().glob(f"*/{CARD_NAME}"))


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model on the shelf, or of the path that was given.

    Raises:
        ModelError: if there is neither.
    """
    for folder in (shelf() / name_or_path, Path(name_or_path)):
        if (folder / CARD_NAME).is_file():
            return folder
    known = ", ".join(list_models()) or "none"
    raise ModelError(
        f"no model {str(name_or_path)!r}; expected a name on the shelf ({known}) or a folder "
        f"with {CARD_NAME}; pass --model NAME or --model FOLDER",
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


def card_from(document: Mapping[str, Any], folder: Path) -> ModelCard:
    """The card that a parsed ``model.toml`` of `folder` describes.

    Raises:
        ModelError: if something is missing or of the wrong kind.
    """
    path = folder / CARD_NAME
    try:
        return _card(document, folder)
    except KeyError as error:
        raise _broken_card(path, f"{error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise _broken_card(path, str(error)) from error


def _broken_card(path: Path, fault: str) -> ModelError:
    return ModelError(
        f"{path} is not a card that geoloc can read: {fault}; expected the tables of a model "
        "card; compare it with a model on the shelf",
        path=path,
    )


def _card(document: Mapping[str, Any], folder: Path) -> ModelCard:
    """Raises KeyError, TypeError or ValueError for anything amiss."""
    options = dict(document.get("options", {}))
    card = ModelCard(
        name=str(document["name"]),
        folder=folder,
        description=str(document.get("description", "")),
        architecture=str(document["architecture"]),
        backbone=str(options.get("backbone", "")),
        options=options,
        views=tuple(str(view) for view in document["views"]),
        dimension=int(document["dimension"]),
        input_sizes={view: InputSize(*sizes) for view, sizes in document["input"]["size"].items()},
        mean=_three(document["input"]["mean"]),
        std=_three(document["input"]["std"]),
        tile_ground_size_m=float(document["tile"]["ground_size_m"]),
        tile_size_px=int(document["tile"]["size_px"]),
        weights_sha256=str(document["weights"]["sha256"]),
        training=dict(document.get("training", {})),
        accuracy=tuple(document.get("accuracy", ())),
        ground_span_deg=_span(document["input"].get("ground_span_deg")),
    )
    if unsized := set(card.views) - set(card.input_sizes):
        raise ValueError(f"no input size for {', '.join(sorted(unsized))}")
    return card


def _three(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _span(values: list[float] | None) -> tuple[float, float] | None:
    if values is None:
        return None
    bottom_deg, top_deg = (float(value) for value in values)
    if not -90 <= bottom_deg < top_deg <= 90:
        raise ValueError(
            f"ground_span_deg is {values}, which is no [bottom, top] between -90 and 90"
        )
    return bottom_deg, top_deg


def check_embeds_images(card: ModelCard) -> None:
    """Stop where a model is wanted that makes a vector of a whole image.

    Raises:
        ModelError: if it describes keypoints.
    """
    if card.describes_keypoints:
        raise ModelError(
            f"model {card.name} describes keypoints and embeds no images; expected one that does "
            "(see: geoloc models list); what this one is for is geoloc index --descriptor "
            f"{card.name}",
            path=card.folder,
        )


def check_describes_keypoints(card: ModelCard) -> None:
    """Stop where a model is wanted that describes keypoints.

    Raises:
        ModelError: if it embeds whole images.
    """
    if not card.describes_keypoints:
        raise ModelError(
            f"model {card.name} embeds whole images and describes no keypoints; expected one of "
            f"architecture {_OF_KEYPOINTS}; name such a one, or rootsift",
            path=card.folder,
        )


def verify_weights(card: ModelCard) -> None:
    """Compare the weights with the checksum of the card.

    Raises:
        ModelError: if they are missing or others.
    """
    from geoloc.checkpoints import sha256_of  # brings torch

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
        name_or_path: A name on the shelf or a model folder.
        device: Where the network shall compute.

    Raises:
        ModelError: if the model is missing, its card broken, or its weights are not those that
            the card describes.
    """
    import torch

    from geoloc.checkpoints import load_strictly, read_tensors
    from geoloc.nets.clnet import CLNet

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
    from geoloc.nets.clnet import CLNet, CLNetOptions, LatentGrid

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
    from geoloc.nets.mean import MEAN, MeanOptions

    return MEAN(MeanOptions(**options))


def _build_siamese(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.nets.siamese import Siamese, SiameseOptions

    return Siamese(SiameseOptions(**options))


def _build_patchnet(options: Mapping[str, Any]) -> nn.Module:
    from geoloc.nets.patch import PatchNet, PatchOptions

    return PatchNet(PatchOptions(**options))


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "clnet": _build_clnet,
    "mean": _build_mean,
    _OF_KEYPOINTS: _build_patchnet,
    "siamese": _build_siamese,
}
