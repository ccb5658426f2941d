"""A recipe: everything that decides what a training run makes, read from a TOML file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from geoloc.errors import OptionError
from geoloc.learning.training.losses import Reading

AERIAL = "aerial"
KEYPOINTS = "keypoints"
_OF_IMAGES = (AERIAL, KEYPOINTS)
LossName = Literal["infonce", "mean", "weighted-infonce"]
NeighbourKind = Literal["none", "position", "similarity"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Section = TypeVar("Section")


@dataclass(frozen=True)
class DataChoice:
    """Which images are learnt from.

    Attributes:
        dataset: ``aerial`` makes drone photos of aerial images, self-supervised, and ``keypoints``
            patches around keypoints of such; any other name is one of
            `geoloc.learning.datasets`, among them ``pairs``, a ``pairs.csv`` of the user's own.
        held_out_share: Share of the training places that are kept for validation. 0 validates on
            the data set's own test.
        test: Which of the data set's tests validates, by the beginning of its name; the first one
            if it is left out.
        tables: Aerial: CSV tables of images, relative to the data folder. Columns ``file``,
            ``gsd_m``, ``place`` and optionally ``group_id``: images of one group show one place.
        held_out_places: Aerial: places whose name begins so are for validation only.
        held_out_files: Held-out single files, where one name covers many separate places.
        smallest_side_m: Aerial: single images that show less ground are left out.
        gsd_m: Aerial: finer images are shrunk to this.
        maps: For networks that see a tile in several crops: the maps that these are cut from, as
            names or patterns in the data folder. The photos are those of `dataset`.
        offset_m: Greatest distance east and north from a photo to the middle of its crops, metres.
    """

    dataset: str = AERIAL
    held_out_share: float = 0.0
    test: str = ""
    tables: tuple[str, ...] = ()
    held_out_places: tuple[str, ...] = ()
    held_out_files: tuple[str, ...] = ()
    smallest_side_m: float = 60.0
    gsd_m: float = 0.625
    maps: tuple[str, ...] = ()
    offset_m: float = 10.0

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
        other_date: Probability that the photo is of another date, where there is one.
        photo_change: Strength of the photo's photometric change, from 0 to 1
            (`photometric.disturb`).
        tile_change: Strength of the tile's photometric change, from 0 to 1.
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
        other_date: Probability that the photo is of another date, where there is one.
        photo_change: Strength of the photo's photometric change, from 0 to 1
            (`photometric.disturb`).
        tile_change: Strength of the map's photometric change, from 0 to 1.
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
        label_smoothing: Label smoothing of InfoNCE, in [0, 1].
        temperature: Initial value of InfoNCE's learnt temperature; MEAN's is its network's own.
        reading: Reading of MEAN: as its authors' code computes it, or as the paper says.
        contrast_weight: Weight of MEAN's InfoNCE.
        places_weight: Weight of MEAN's classification of places.
        alignment_weight: Weight of MEAN's alignment: 1.3 for University-1652, 0.75 for SUES-200.
        steepness: Slope of ``weighted-infonce``: how fast trust grows with the overlap.
        decoupled: For ``infonce``: a candidate is compared with all others, and not with itself
            (decoupled contrastive loss, as the statewide network is trained).
        heading_negatives: For ``infonce`` and rings whose heading is known: hard negatives by
            heading, so many copies of each ring, turned to wrong headings. Each copy costs one more
            pass of the ground branch.
        heading_least_deg: Least angle of these from the right heading, in (0, 180].
    """

    name: LossName = "infonce"
    label_smoothing: float = 0.1
    temperature: float = 0.07
    reading: Reading = "code"
    contrast_weight: float = 1.0
    places_weight: float = 0.1
    alignment_weight: float = 1.3
    steepness: float = 5.0
    decoupled: bool = False
    heading_negatives: int = 0
    heading_least_deg: float = 30.0

    def __post_init__(self) -> None:
        if self.heading_negatives < 0 or not 0 < self.heading_least_deg <= 180:
            raise ValueError(
                f"[loss] heading_negatives = {self.heading_negatives} and heading_least_deg = "
                f"{self.heading_least_deg:g}; expected 0 or more, and more than 0 to 180"
            )
        if self.heading_negatives and self.name != "infonce":
            raise ValueError(f'heading_negatives need [loss] name = "infonce", not "{self.name}"')


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
        warmup_epochs: Warm-up in epochs; takes the place of `warmup_steps` if it is not 0.
        weight_decay: Weight decay of AdamW; biases, norms and neural maps are spared.
        decay_all: Spare none of them, as the code of Sample4Geo and MEAN does.
        clip_norm: Greatest norm of all gradients together; 0 does not clip.
        clip_value: Greatest size of each gradient's numbers; 0 does not clip.
        precision: Precision of the networks' arithmetic; ``auto`` is what is quick and safe on the
            device.
        gradient_checkpointing: Compute activations twice rather than keep them.
        initial_weights: A model, by name or folder, whose weights the run starts from.
        validate_every: Batches between validations.
        validate_epochs: Epochs between validations; takes the place of `validate_every` if it is
            not 0.
        validation_queries: At most so many queries are looked for; 0 is all.
        log_every: Batches between lines in the log; 0 writes one at each validation.
        checkpoint_every: Batches between checkpoints; 0 writes one at each validation.
        minutes: End the schedule after so many minutes, whatever step it has reached; 0 is never.
        seed: Seed of the initial weights, the pairs and their order.
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
class SamplingChoice:
    """How batches are filled.

    Attributes:
        unique_places: No place appears twice in a batch. Without it only a picture may not.
        neighbours: What fills a batch beside chance: nothing, the nearest places, or the most
            similar references (the nearest places until similarities have been measured).
        range: Neighbours that are known of each query.
        select: Neighbours of a drawn pair that are offered to its batch.
        always: So many of them are the nearest; the others are drawn from the rest of the range.
        refresh_every_epochs: Epochs between two measurements of the similarities.
        misfits: So many pairs in a row that fit no more end an epoch (512 in MEAN's code, 1024 in
            Sample4Geo's for panoramas).
        degrees_quirk: Order positions as Sample4Geo does, whose haversine is given degrees.
    """

    unique_places: bool = True
    neighbours: NeighbourKind = "none"
    range: int = 128
    select: int = 64
    always: int = 32
    refresh_every_epochs: int = 4
    misfits: int = 512
    degrees_quirk: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.always <= self.select <= self.range:
            raise OptionError(
                f"sampling keeps {self.always} of {self.select} out of {self.range} neighbours; "
                "expected 0 <= always <= select <= range; mend [sampling] of the recipe"
            )
        if self.misfits < 1 or self.refresh_every_epochs < 1:
            raise OptionError(
                f"misfits = {self.misfits} and refresh_every_epochs = {self.refresh_every_epochs}; "
                "expected 1 or more of each; mend [sampling] of the recipe"
            )


@dataclass(frozen=True)
class AugmentationChoice:
    """How often and how far pairs are changed; single floats are probabilities.

    Attributes:
        flip: Mirror both images.
        quarter_turns: Turn by 90, 180 or 270 degrees, each equally often; 0.75 makes all four
            headings equal.
        turned: Whether the query turns with the satellite image (``both``) or stays
            (``satellite``, as MEAN does it for drone photos, whose heading is then unknown).
        jpeg: Compress with a quality of `jpeg_quality`.
        jpeg_quality: Least and greatest.
        jitter: Change brightness, contrast, saturation and hue, in random order.
        brightness: Greatest relative change.
        contrast: Greatest relative change.
        saturation: Greatest relative change.
        hue: Greatest change, in turns of the colour circle.
        query_contrast: Contrast of queries, where it differs (MEAN: 0.7 for drones, 0.3 for
            satellites).
        sharpness: Blur or sharpen, either equally often.
        dropout: Black out a grid or holes, either equally often.
        grid_ratio: Share of each side of a grid's cell that is black.
        query_grid_ratio: Grid ratio of queries, where it differs (Sample4Geo: 0.5 for panoramas).
        holes: Least and greatest number.
        hole_side: Least and greatest share of the image's sides.
        sector: Black out a ring but for one sector, as a street photo shows it.
        sector_deg: Least and greatest width of the sector that remains.
        roll: Roll a ring by any angle, its heading being unknown.
    """

    flip: float = 0.5
    quarter_turns: float = 0.75
    turned: Literal["both", "satellite"] = "both"
    jpeg: float = 0.5
    jpeg_quality: tuple[int, int] = (90, 100)
    jitter: float = 0.5
    brightness: float = 0.15
    contrast: float = 0.15
    saturation: float = 0.15
    hue: float = 0.15
    query_contrast: float | None = None
    sharpness: float = 0.3
    dropout: float = 0.3
    grid_ratio: float = 0.4
    query_grid_ratio: float | None = None
    holes: tuple[int, int] = (10, 25)
    hole_side: tuple[float, float] = (0.1, 0.2)
    sector: float = 0.0
    sector_deg: tuple[float, float] = (70.0, 180.0)
    roll: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no probability, and ranges that run backwards."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, tuple) and (len(value) != 2 or value[0] > value[1]):
                raise OptionError(f"{each.name} = {value}; expected a least and a greatest value")
            if isinstance(value, float | int) and not 0 <= value <= 1:
                raise OptionError(f"{each.name} = {value}; expected 0 to 1")


@dataclass(frozen=True)
class Recipe:
    """A model's card without its results, and all choices of a run.

    Attributes:
        card: Content of the model's card.
        data: Which images.
        schedule: Length, batch size, learning rate, precision.
        pairs: Options of synthetic photos of aerial images.
        keypoints: Options of pairs of patches.
        sampling: Which pairs of a data set meet in a batch.
        augmentation: Variation of the pairs of a data set.
        loss: Loss that is minimised.
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
