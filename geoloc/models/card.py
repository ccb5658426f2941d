"""Model cards: architecture, input sizes, normalisation, training data, as model.toml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from geoloc.errors import ModelError
from geoloc.image_size import ImageSize
from geoloc.models.view import SATELLITE

CARD_NAME = "model.toml"
WEIGHTS_NAME = "model.safetensors"
# The network that takes patches around keypoints instead of images.
_OF_KEYPOINTS = "patchnet"

# How a photo from the ground becomes an input: on a ring around the camera, which is turned to a
# heading, or whole, its sides kept in proportion, on black.
GroundFit = Literal["ring", "letterbox"]
_GROUND_FITS = ("ring", "letterbox")


@dataclass(frozen=True)
class TileCrops:
    """The crops of the map that a network sees of one tile, all around the tile's centre.

    Attributes:
        ground_sizes_m: (L,) side of each crop on the ground, metres, ascending.
        size_px: Side of each crop, pixels.
        bearing_deg: The bearing that is up in a crop, degrees clockwise from true north.
        fill: Grey level where the map shows nothing, 0 to 255.
    """

    ground_sizes_m: tuple[float, ...]
    size_px: int
    bearing_deg: float = 0.0
    fill: int = 255

    @property
    def gsds_m(self) -> tuple[float, ...]:
        """(L,) metres a pixel of each crop."""
        return tuple(side_m / self.size_px for side_m in self.ground_sizes_m)


@dataclass(frozen=True)
class ModelCard:
    """The content of a ``model.toml``.

    Attributes:
        name: Name that ``--model`` takes, when the model is bundled.
        folder: The model folder.
        description: One sentence for a person.
        architecture: The network that is built, say ``clnet``.
        backbone: The backbone inside it.
        options: The other options of the architecture.
        views: The views that it was trained for; ``satellite`` is the tiles' view.
        dimension: Length of its vectors.
        input_sizes: Size that each view's images are resized to.
        mean: Mean of each channel (red, green, blue) of an image in [0, 1].
        std: Standard deviation of each channel.
        tile_ground_size_m: Side of the tiles it was trained for, on the ground.
        tile_size_px: Side that such tiles should be cut with.
        weights_sha256: Checksum of the weights.
        training: What it was trained on and how, with licences.
        accuracy: What was measured, each with its protocol, sizes and command.
        ground_span_deg: Elevations of the lower and the upper edge of a ground view's input (see
            `geoloc.geometry.panorama`); None where whole images are squashed to it, as the
            benchmarks do.
        ground_fit: How a photo from the ground becomes an input.
        crops: The crops of the map that it sees of a tile; None where it sees the tile itself.
        vocabulary_sha256: Checksum of the vocabulary of its descriptors, a file beside the weights
            (see `geoloc.index.features.vocabulary`); empty where there is none.
        vocabulary: The other facts of the vocabulary: the imagery that taught it, and how.
    """

    name: str
    folder: Path
    description: str
    architecture: str
    backbone: str
    options: Mapping[str, object]
    views: tuple[str, ...]
    dimension: int
    input_sizes: Mapping[str, ImageSize]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    tile_ground_size_m: float
    tile_size_px: int
    weights_sha256: str
    training: Mapping[str, object]
    accuracy: tuple[Mapping[str, object], ...]
    ground_span_deg: tuple[float, float] | None = None
    ground_fit: GroundFit = "ring"
    crops: TileCrops | None = None
    vocabulary_sha256: str = ""
    vocabulary: Mapping[str, object] = field(default_factory=dict)

    @property
    def weights_path(self) -> Path:
        """Where its weights lie."""
        return self.folder / WEIGHTS_NAME

    @property
    def describes_keypoints(self) -> bool:
        """Whether it takes patches around keypoints; other models embed whole images."""
        return self.architecture == _OF_KEYPOINTS

    def input_size(self, view: str) -> ImageSize:
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

    def input_shape(self, view: str) -> tuple[int, ...]:
        """The shape of one of a view's inputs: (3, H, W), or (L, 3, S, S) crops of a tile.

        Raises:
            ModelError: as `input_size` does.
        """
        height_px, width_px = self.input_size(view)
        if view == SATELLITE and self.crops is not None:
            return len(self.crops.ground_sizes_m), 3, self.crops.size_px, self.crops.size_px
        return 3, height_px, width_px


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
        "card; compare it with a bundled model",
        path=path,
    )


def _card(document: Mapping[str, Any], folder: Path) -> ModelCard:
    """Raises KeyError, TypeError or ValueError for anything amiss."""
    options = dict(document.get("options", {}))
    vocabulary = dict(document.get("vocabulary", {}))
    card = ModelCard(
        name=str(document["name"]),
        folder=folder,
        description=str(document.get("description", "")),
        architecture=str(document["architecture"]),
        backbone=str(options.get("backbone", "")),
        options=options,
        views=tuple(str(view) for view in document["views"]),
        dimension=int(document["dimension"]),
        input_sizes={view: ImageSize(*sizes) for view, sizes in document["input"]["size"].items()},
        mean=_three(document["input"]["mean"]),
        std=_three(document["input"]["std"]),
        tile_ground_size_m=float(document["tile"]["ground_size_m"]),
        tile_size_px=int(document["tile"]["size_px"]),
        weights_sha256=str(document["weights"]["sha256"]),
        training=dict(document.get("training", {})),
        accuracy=tuple(document.get("accuracy", ())),
        ground_span_deg=_span(document["input"].get("ground_span_deg")),
        ground_fit=_ground_fit(document["input"].get("ground_fit", "ring")),
        crops=_crops(document["tile"].get("crops")),
        vocabulary_sha256=str(vocabulary.pop("sha256")) if vocabulary else "",
        vocabulary=vocabulary,
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


def _ground_fit(value: object) -> GroundFit:
    if value not in _GROUND_FITS:
        raise ValueError(f"ground_fit is {value!r}, which is none of {', '.join(_GROUND_FITS)}")
    return cast(GroundFit, value)


def _crops(values: Mapping[str, Any] | None) -> TileCrops | None:
    if values is None:
        return None
    sides_m = tuple(float(side_m) for side_m in values["ground_sizes_m"])
    if not sides_m or sides_m[0] <= 0 or list(sides_m) != sorted(set(sides_m)):
        raise ValueError(f"crops.ground_sizes_m is {list(sides_m)}, which does not ascend from 0")
    return TileCrops(
        sides_m,
        int(values["size_px"]),
        float(values.get("bearing_deg", 0.0)),
        int(values.get("fill", 255)),
    )


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
