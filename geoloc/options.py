"""The choices that a caller can make, one frozen dataclass a job.

The command line derives its options and defaults from here, so that a default is stated once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_DESCRIPTOR = "local-aerial"
DEFAULT_MODEL = "clnet-aerial"

View = Literal["auto", "drone", "street", "panorama"]
Effort = Literal["low", "normal", "high"]
MatcherName = Literal["sift", "loftr", "lightglue-disk"]
PositionPrior = Literal["none", "exif"]
OutputFormat = Literal["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]


@dataclass(frozen=True)
class TileOptions:
    """How rasters are cut into tiles.

    Attributes:
        ground_sizes_m: Sides of the tiles on the ground, in metres; several make a pyramid.
            Empty means what the model's card asks for.
        overlap: Share of a tile's side that the next tile covers too, in [0, 0.9].
        size_px: Side of a tile in pixels; None means what the model's card asks for.
        model: Whose card is asked: the name of a bundled model or a model folder.
        min_valid: Tiles with a smaller share of valid pixels are skipped, in [0, 1].
        virtual: Write no pixels; the rows of the table are windows of the source rasters.
        bounds: West, south, east, north in degrees (WGS84); tiles outside are not cut.
        aoi: A vector file; tiles that do not touch its polygons are not cut.
        creation_options: GDAL creation options of the tiles, as ``KEY=VALUE``.
        workers: Threads that read, convert and write.
        resume: Go on where an interrupted run stopped.
        overwrite: Replace what is there.
    """

    ground_sizes_m: tuple[float, ...] = ()
    overlap: float = 0.5
    size_px: int | None = None
    model: str = DEFAULT_MODEL
    min_valid: float = 0.5
    virtual: bool = False
    bounds: tuple[float, float, float, float] | None = None
    aoi: str | None = None
    creation_options: tuple[str, ...] = ()
    workers: int = 2
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class IndexOptions:
    """How tiles are embedded and stored.

    Attributes:
        model: The name of a bundled model or a model folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Tiles a step; halved on its own when memory runs out. None: by device.
        workers: Threads that read and decode while the network computes.
        factory: A FAISS factory string; ``SQfp16`` is exact up to half precision.
        features: Also compute the local features that `locate` verifies with.
        descriptor: What describes them: a model, by name or folder, or ``rootsift``.
        append: Add tiles that the index does not hold yet.
        overwrite: Replace what is there.
    """

    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int | None = None
    workers: int = 2
    factory: str = "SQfp16"
    features: bool = True
    descriptor: str = DEFAULT_DESCRIPTOR
    append: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class LocateOptions:
    """How photos are located on an index.

    Attributes:
        view: What kind of photos these are; ``auto`` decides photo by photo.
        effort: How much is searched: hypotheses of yaw and scale, features, tiles.
        prior: Whether a photo's own GPS position may narrow the search. Never by default.
        prior_radius_m: Radius of that prior, in metres.
        top_k: Tiles that retrieval proposes, per photo.
        matcher: Who looks again at the best places of a drone photo; ``sift`` is nobody else.
        matcher_weights: Its files of weights, in the order of `geoloc.locate.drone.matchers`; none
            means those that kornia downloads.
        metadata: A CSV that adds to or overrides what the photos say of themselves, or the flight
            log (.SRT) of the video that they are frames of.
        frame_rate_hz: Frames a second at which they were taken from their video; None: as their
            names say (`geoloc.photos.video_frame`).
        device: As for the index.
        workers: Threads that decode photos.
        min_confidence: Answers below it are written as ``ambiguous``, in [0, 1].
    """

    view: View = "auto"
    effort: Effort = "normal"
    prior: PositionPrior = "none"
    prior_radius_m: float = 200.0
    top_k: int = 50
    matcher: MatcherName = "sift"
    matcher_weights: tuple[str, ...] = ()
    metadata: str | None = None
    frame_rate_hz: float | None = None
    device: str = "auto"
    workers: int = 2
    min_confidence: float = 0.8


@dataclass(frozen=True)
class AdaptOptions:
    """How a model is adapted to a map.

    Attributes:
        model: Where it begins: the name of a bundled model or a model folder.
        minutes: Ends after so many, at the latest; its learning rate falls by the clock.
        whole: Also train the backbone: slower, and it lost recall in the short runs measured.
        device: As for the index.
        workers: Processes that make batches beside the training.
        resume: Go on from the checkpoint in the model folder.
        seed: Of the parts that are held out, of pairs and order.
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
        device: As for the index; several processes take a GPU each.
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
