"""Options of the jobs that make and measure models; see `geoloc.options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geoloc.errors import OptionError
from geoloc.options import DEFAULT_MODEL

PairViewChoice = Literal["auto", "drone", "ground"]
# By whose rules a figure is counted: see `geoloc.learning.benchmark.protocols`.
BenchmarkProtocol = Literal[
    "one-right", "official", "sample4geo", "game4loc", "denseuav", "metres", "anyvisloc"
]


@dataclass(frozen=True)
class AdaptOptions:
    """How a model is adapted to a map.

    Attributes:
        model: Model to begin with: the name of a bundled model or a model folder.
        minutes: Time limit; the learning rate falls by the clock.
        whole: Also train the backbone: slower, and it lost recall in the short runs measured.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        workers: Processes that make batches beside the training.
        resume: Go on from the checkpoint in the model folder.
        seed: Seed of the held-out parts, the pairs and their order.
    """

    model: str = DEFAULT_MODEL
    minutes: float = 20.0
    whole: bool = False
    device: str = "auto"
    workers: int = 1
    resume: bool = False
    seed: int = 1


@dataclass(frozen=True)
class TrainOptions:
    """How a recipe is run; what it makes is the recipe's own business.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; each of several processes takes
            a GPU.
        workers: Processes that make batches beside the training, and threads that read images.
        resume: Go on from the checkpoint in the model folder.
        tensorboard: Also write the log for TensorBoard.
        backbone_weights: ``pretrained`` downloads timm's, anything else is a file of weights;
            None begins with chance.
    """

    device: str = "auto"
    workers: int = 1
    resume: bool = False
    tensorboard: bool = False
    backbone_weights: str | None = None


@dataclass(frozen=True)
class PairingOptions:
    """How photos and a map become pairs.

    Attributes:
        ground_size_m: Side of a tile on the ground; None means what the default model's card asks
            for (drone), or 80 m (ground).
        size_px: Side of tiles and of drone photos, half the width of rings; None means what the
            default model's card asks for.
        test_share: Share of the photos that is held out, by area; 0 holds out none.
        offset: Greatest distance of a photo from its tile's middle along each axis, in sides of
            the tile, drawn at random. 0 cuts each tile around its photo.
        view: What kind of photos these are; ``auto`` takes the kind that is most frequent.
        height_m: Height above the ground of drone photos whose metadata have none.
        span_deg: Elevations of the lower and upper edge of the rings that ground photos become.
        metadata: A CSV or a flight log that adds to the photos' own metadata.
        min_valid: Photos whose tile has a smaller share of valid pixels lie outside the map.
        seed: Seed of the offsets.
        overwrite: Replace pairs that are there.
    """

    ground_size_m: float | None = None
    size_px: int | None = None
    test_share: float = 0.2
    offset: float = 0.0
    view: PairViewChoice = "auto"
    height_m: float | None = None
    span_deg: tuple[float, float] = (-60.0, 30.0)
    metadata: str | None = None
    min_valid: float = 0.5
    seed: int = 1
    overwrite: bool = False

    def __post_init__(self) -> None:
        bottom, top = self.span_deg
        checks = (
            (self.ground_size_m is None or 0.1 <= self.ground_size_m <= 1e6, "--ground-size",
             self.ground_size_m, "0.1 to 1e6 metres"),
            (self.size_px is None or 16 <= self.size_px <= 8192, "--size", self.size_px,
             "16 to 8192 pixels"),
            (0 <= self.test_share <= 1, "--test-share", self.test_share, "0 to 1"),
            (0 <= self.offset <= 0.5, "--offset", self.offset, "0 to 0.5"),
            (self.height_m is None or self.height_m > 0, "--height", self.height_m,
             "more than 0 metres"),
            (-90 <= bottom < top <= 90, "--span", self.span_deg, "BOTTOM,TOP from -90 to 90"),
        )  # fmt: skip
        for fine, name, value, expected in checks:
            if not fine:
                raise OptionError(f"{name} {value} is out of range; expected {expected}")


@dataclass(frozen=True)
class BenchmarkOptions:
    """The model that is measured, and how it runs.

    Attributes:
        model: The name of a bundled model or a model folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Images a step; halved on its own when memory runs out. None: by device.
        workers: Threads that read and decode.
        protocols: Those to measure by; empty means all that the data set has.
        vectors: Folder that keeps vectors, so that an interrupted run goes on and a second one
            embeds nothing.
        tile_width_m: Side of a reference on the ground, in metres, for the protocol anyvisloc.
    """

    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int | None = None
    workers: int = 2
    protocols: tuple[BenchmarkProtocol, ...] = ()
    vectors: Path | None = None
    tile_width_m: float | None = None


@dataclass(frozen=True)
class VocabularyOptions:
    """How the vocabulary of a model that describes keypoints is learnt.

    Attributes:
        recursive: Search subfolders of the folders of images, too.
        scales: Each image is read at so many of its pixels along a side, 1 as it is: a map shows
            the same ground in fewer pixels than another.
        keypoints: Descriptors to learn from, of each image at each scale, drawn at random.
        sources: What the images are, with their licences, for the card.
        device: Device of the model.
        overwrite: Replace the vocabulary that the model has.
    """

    recursive: bool = False
    scales: tuple[float, ...] = (1.0, 0.6)
    keypoints: int = 300
    sources: tuple[str, ...] = ()
    device: str = "cpu"
    overwrite: bool = False
