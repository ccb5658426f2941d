"""A recipe: everything that decides what a training run makes, read from a TOML file."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from geoloc.errors import ModelError, OptionError
from geoloc.nets.losses import Reading
from geoloc.training.augmentation import AugmentationChoice
from geoloc.training.recipe_shelf import find_recipe
from geoloc.training.sampling import SamplingChoice

AERIAL = "aerial"
KEYPOINTS = "keypoints"
_OF_IMAGES = (AERIAL, KEYPOINTS)
LossName = Literal["infonce", "mean", "weighted-infonce"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Section = TypeVar("Section")


@dataclass(frozen=True)
class DataChoice:
    """Which images are learnt from.

    Attributes:
        dataset: ``aerial`` makes drone photos of aerial images, self-supervised, and ``keypoints``
            patches around keypoints of such; any other name is one of `geoloc.datasets`, among
            them ``pairs``, a ``pairs.csv`` of the user's own.
        held_out_share: Share of the training places that are kept for validation. 0 validates on
            the data set's own test.
        test: Which of the data set's tests validates, by the beginning of its name; the first one
            if it is left out.
        tables: Aerial: CSV tables of images, relative to the data folder. Columns ``file``,
            ``gsd_m``, ``place`` and optionally ``group_id``: images of one group show one place.
        held_out_places: Aerial: places whose name begins so are for validation only.
        held_out_files: The same for single files, where one name covers many separate places.
        smallest_side_m: Aerial: single images that show less ground are left out.
        gsd_m: Aerial: finer images are shrunk to this.
    """

    dataset: str = AERIAL
    held_out_share: float = 0.0
    test: str = ""
    tables: tuple[str, ...] = ()
    held_out_places: tuple[str, ...] = ()
    held_out_files: tuple[str, ...] = ()
    smallest_side_m: float = 60.0
    gsd_m: float = 0.625

    def __post_init__(self) -> None:
        if self.dataset in _OF_IMAGES and not self.tables:
            raise ValueError('[data] names neither dataset = "..." nor tables = [...]')
        if not 0 <= self.held_out_share < 1:
            raise ValueError(f"held_out_share = {self.held_out_share} lies outside [0, 1)")


@dataclass(frozen=True)
class PairChoice:
    """How a tile and a photo of the same place are made from aerial images.

    Attributes:
        tile_ground_size_m: Side of a tile, before jitter.
        tile_jitter: Least and greatest factor on that side.
        offset: Greatest distance of the photo's middle from the tile's, in sides of the tile.
            Tiles that overlap by half leave at most a quarter.
        turn_deg: Greatest wrong turn of a photo that was brought to north up.
        zoom: Least and greatest factor between the photo's supposed and true scale.
        tilt_deg: Greatest tilt that rectifying left over.
        footprint: Least and greatest length of a photo's longer side, in sides of the tile.
        other_date: How often the photo is of another date, where there is one.
        photo_change: How far the photo's look is changed, from 0 to 1 (`appearance.disturb`).
        tile_change: The same of the tile's.
    """

    tile_ground_size_m: float = 160.0
    tile_jitter: tuple[float, float] = (0.75, 1.2)
    offset: float = 0.25
    turn_deg: float = 20.0
    zoom: tuple[float, float] = (0.72, 1.4)
    tilt_deg: float = 15.0
    footprint: tuple[float, float] = (0.75, 2.2)
    other_date: float = 0.8
    photo_change: float = 1.0
    tile_change: float = 0.35


@dataclass(frozen=True)
class KeypointChoice:
    """How patches around the same keypoints of a map and a photo are made from aerial images.

    Attributes:
        per_view: Most keypoints of one view.
        side_px: Side of a view.
        gsd_m: Finest and coarsest ground metres a pixel of the map's view.
        most_enlarged: Pixels of a view for one of the image, at most.
        zoom: Least and greatest factor between the scales of map and photo.
        tilt_deg: Greatest tilt that rectifying left over.
        other_date: How often the photo is of another date, where there is one.
        photo_change: How far the photo's look is changed, from 0 to 1 (`appearance.disturb`).
        tile_change: The same of the map's.
    """

    per_view: int = 160
    side_px: int = 288
    gsd_m: tuple[float, float] = (0.28, 0.65)
    most_enlarged: float = 2.2
    zoom: tuple[float, float] = (0.75, 1.35)
    tilt_deg: float = 20.0
    other_date: float = 0.85
    photo_change: float = 1.0
    tile_change: float = 0.5


@dataclass(frozen=True)
class LossChoice:
    """What is minimised.

    Attributes:
        name: ``infonce`` (Sample4Geo, CLNet), ``mean`` (MEAN: InfoNCE, places, alignment) or
            ``weighted-infonce`` (Game4Loc: pairs that overlap less are trusted less).
        label_smoothing: Of InfoNCE.
        temperature: Where the learnt temperature of InfoNCE starts; MEAN's is its network's own.
        reading: Of MEAN: as its authors' code computes it, or as the paper says.
        contrast_weight: Of MEAN's InfoNCE.
        places_weight: Of MEAN's classification.
        alignment_weight: Of MEAN's alignment: 1.3 for University-1652, 0.75 for SUES-200.
        steepness: Of ``weighted-infonce``: how fast trust grows with the overlap.
    """

    name: LossName = "infonce"
    label_smoothing: float = 0.1
    temperature: float = 0.07
    reading: Reading = "code"
    contrast_weight: float = 1.0
    places_weight: float = 0.1
    alignment_weight: float = 1.3
    steepness: float = 5.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast the network learns.

    Attributes:
        steps: Batches; or say `epochs`.
        epochs: Times that every pair is offered.
        batch_size: Pairs a batch, of all processes together; every pair is the negative of all
            others.
        size_px: Aerial: side of the images; 0 takes the card's.
        small_steps: Aerial: batches at the start that are smaller, and so cheaper.
        small_size_px: Aerial: side of their images.
        learning_rate: Greatest; a cosine brings it to zero.
        warmup_steps: Batches until the greatest learning rate is reached.
        warmup_epochs: The same in epochs; takes the place of `warmup_steps` if it is not 0.
        weight_decay: Of AdamW; biases, norms and neural maps are spared.
        decay_all: Spare none of them, as the code of Sample4Geo and MEAN does.
        clip_norm: Greatest norm of all gradients together; 0 does not clip.
        clip_value: Greatest size of each gradient's numbers; 0 does not clip.
        precision: Of the networks' arithmetic; ``auto`` is what is quick and safe on the device.
        gradient_checkpointing: Compute activations twice rather than keep them.
        initial_weights: A model, by name or folder, whose weights the run starts from.
        validate_every: Batches between validations.
        validate_epochs: The same in epochs; takes the place of `validate_every` if it is not 0.
        validation_queries: At most so many queries are looked for; 0 is all.
        log_every: Batches between lines in the log; 0 writes one at each validation.
        checkpoint_every: Batches between checkpoints; 0 writes one at each validation.
        minutes: End the schedule after so many minutes, whatever step it has reached; 0 is never.
        seed: Of weights, pairs and order.
    """

    steps: int = 0
    epochs: float = 0.0
    batch_size: int = 64
    size_px: int = 0
    small_steps: int = 0
    small_size_px: int = 96
    learning_rate: float = 2e-3
    warmup_steps: int = 50
    warmup_epochs: float = 0.0
    weight_decay: float = 0.05
    decay_all: bool = False
    clip_norm: float = 1.0
    clip_value: float = 0.0
    precision: Precision = "auto"
    gradient_checkpointing: bool = False
    initial_weights: str = ""
    validate_every: int = 100
    validate_epochs: float = 0.0
    validation_queries: int = 0
    log_every: int = 0
    checkpoint_every: int = 0
    minutes: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.epochs > 0):
            raise ValueError("[schedule] must say either steps or epochs")
        if self.batch_size < 2:
            raise ValueError(f"batch_size = {self.batch_size}; a pair alone has no negatives")


@dataclass(frozen=True)
class Recipe:
    """A model's card without its results, and all choices of a run.

    Attributes:
        card: What becomes the model's card.
        data: Which images.
        schedule: How long and how fast.
        pairs: How aerial pairs are made.
        keypoints: How pairs of patches are made.
        sampling: Which pairs of a data set meet in a batch.
        augmentation: How pairs of a data set are varied.
        loss: What is minimised.
        text: The file that it was read from.
    """

    card: dict[str, Any]
    data: DataChoice
    schedule: Schedule
    pairs: PairChoice = field(default_factory=PairChoice)
    keypoints: KeypointChoice = field(default_factory=KeypointChoice)
    sampling: SamplingChoice = field(default_factory=SamplingChoice)
    augmentation: AugmentationChoice = field(default_factory=AugmentationChoice)
    loss: LossChoice = field(default_factory=LossChoice)
    text: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """The same for recipes that make the same run, whatever their comments say."""
        choices = asdict(self)
        del choices["text"]
        return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()


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
