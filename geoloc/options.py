"""Options of the jobs that commands run, one frozen dataclass a job.

The command line derives its options and defaults from them, so that a default is stated once. The
module loads nothing heavy, since every ``--help`` reads it. Options of learning and of synthetic
data lie in these wings, in a module of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geoloc.errors import OptionError

DEFAULT_DESCRIPTOR = "local-aerial"
DEFAULT_MODEL = "clnet-aerial"
# Where an index keeps vectors and tiles: files for FAISS, or a Lance dataset in its folder; an
# address with ``://`` is a dataset elsewhere.
FAISS = "faiss"
LANCE = "lance"

ViewChoice = Literal["auto", "drone", "street", "panorama"]
Effort = Literal["low", "normal", "high"]
MatcherName = Literal["auto", "none", "xfeat", "lightglue-disk", "loftr"]
LearnedMatcher = Literal["xfeat", "lightglue-disk", "loftr"]
PriorKind = Literal["soft", "hard"]
OutputFormat = Literal["geojson", "geojsonl", "gpkg", "fgb", "parquet", "csv"]
AnswerStatus = Literal["located", "ambiguous", "corrected"]
ExportFormat = Literal[
    "exif",
    "geo-txt",
    "gcp",
    "points",
    "kml",
    "reference-csv",
    "colmap",
    "orthority",
    "gpx",
    "footprints",
]
# Whether pixels are counted in the photo as it is seen, or as its file is stored.
PixelChoice = Literal["upright", "stored"]
# What of a box on the ground is meant.
BoxChoice = Literal["polygon", "middle", "foot"]
# What a report that is to be shared keeps back of places: nothing, all, or all but a kilometre.
Redaction = Literal["none", "drop", "fuzz"]
EngineName = Literal["local", "ray"]
# How tiles are embedded whose network looks around them: each alone, or from what they share.
CellMode = Literal["exact", "dense"]
# Whose checkpoints can be imported, and the data sets that they were trained on.
Project = Literal["mean", "sample4geo", "dac", "camp", "game4loc", "clnet", "statewide"]
DataSet = Literal[
    "vigor", "cvusa", "cvact", "university1652", "sues200", "gta_uav", "uav_visloc", "mapillary"
]

# The oldest set of ONNX operators that torch's exporter writes, so that the most runtimes read it.
OLDEST_OPSET = 18


@dataclass(frozen=True)
class EngineOptions:
    """What runs a job: this machine, or the actors of a Ray cluster. It decides no answer.

    Attributes:
        engine: ``local`` is this process, ``ray`` a cluster.
        address: Address of a running cluster, or ``auto``; None starts one on this machine.
        actors: Number of actors, one question at a time each; None: one a CPU, or share of a GPU.
        gpus: Share of a GPU that an actor takes.
    """

    engine: EngineName = "local"
    address: str | None = None
    actors: int | None = None
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if not self.is_cluster and (self.address or self.actors or self.gpus):
            raise OptionError(
                "--address, --actors and --gpus-per-actor are of a cluster, and none was asked "
                "for; add --engine ray"
            )

    @property
    def is_cluster(self) -> bool:
        """Whether actors do the work."""
        return self.engine == "ray"


ONE_MACHINE = EngineOptions()


@dataclass(frozen=True)
class TileOptions:
    """How rasters are cut into tiles.

    Attributes:
        ground_sizes_m: Sides of the tiles on the ground, in metres; several make a pyramid.
            Empty means what the model's card asks for.
        overlap: Share of a tile's side that the next tile covers too, in [0, 0.9]. None is a half,
            and nothing for a model that looks around its tiles.
        size_px: Side of a tile in pixels; None means what the model's card asks for.
        model: Model whose card is asked: the name of a bundled model or a model folder.
        min_valid: Tiles with a smaller share of valid pixels are skipped, in [0, 1].
        virtual: Write no pixels; the rows of the table are windows of the source rasters. Tiles of
            a model that looks around them always are.
        bounds: West, south, east, north in degrees (WGS84); tiles outside are not cut.
        aoi: A vector file; tiles that do not touch its polygons are not cut.
        aoi_layer: The layer of that file; None takes the only one that holds polygons.
        creation_options: GDAL creation options of the tiles, as ``KEY=VALUE``.
        layer: Layer of a WMS or WMTS, or raster of a GeoPackage; None takes the only one.
        asset: Asset of STAC items, by name or role; None takes the picture.
        max_requests: Most requests to ask of map services.
        save_map: File to keep what was read of the map in, a Cloud Optimized GeoTIFF.
        workers: Threads that read, convert and write.
        resume: Go on where an interrupted run stopped.
        overwrite: Replace what is there.
    """

    ground_sizes_m: tuple[float, ...] = ()
    overlap: float | None = None
    size_px: int | None = None
    model: str = DEFAULT_MODEL
    min_valid: float = 0.5
    virtual: bool = False
    bounds: tuple[float, float, float, float] | None = None
    aoi: str | None = None
    aoi_layer: str | None = None
    creation_options: tuple[str, ...] = ()
    layer: str | None = None
    asset: str | None = None
    max_requests: int = 10_000
    save_map: Path | None = None
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
        store: What keeps vectors and tiles: ``faiss``, ``lance``, or the address of a Lance dataset
            such as ``s3://bucket/region.lance``.
        features: Also compute the local features that `locate` verifies with.
        lazy_features: Keep only what proposes tiles; the features of these are found again in the
            map's pixels, which must stay where they are.
        descriptor: Descriptor of the local features: a model, by name or folder, or ``rootsift``.
        cells: How tiles are embedded whose network looks around them: ``exact`` passes it over the
            crops of each tile; ``dense`` passes all but its last stage once over the map, which is
            several times as quick and makes slightly other vectors. Other networks take no notice.
        dem: Elevation models whose heights the index keeps; the first that knows a place wins.
            None keeps those that are there.
        append: Add tiles that the index does not hold yet.
        overwrite: Replace what is there.
    """

    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int | None = None
    workers: int = 2
    factory: str = "SQfp16"
    store: str = FAISS
    features: bool = True
    lazy_features: bool = False
    descriptor: str = DEFAULT_DESCRIPTOR
    cells: CellMode = "exact"
    dem: tuple[str, ...] = ()
    append: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class LocateOptions:
    """How photos are located on an index.

    Attributes:
        view: What kind of photos these are; ``auto`` decides photo by photo.
        effort: Thoroughness of the search: hypotheses of yaw and scale, features, tiles.
        prior: What is known of where a photo was taken: ``none``, ``exif`` (its own GPS position),
            ``near:LON,LAT,RADIUS`` in degrees and metres, or a CSV with photo, lon and lat.
        prior_radius_m: Radius of ``exif`` and of a CSV, in metres.
        prior_kind: ``soft`` looks there first, and everywhere else when nothing there is sure;
            ``hard`` looks nowhere else.
        aoi: A vector file: only tiles that touch its polygons are searched.
        top_k: Tiles that retrieval proposes, per photo.
        matcher: Learned matcher that weighs the best places of a drone photo that is in doubt;
            ``auto`` is xfeat where the extra of that name is installed and the tiles are in place.
        matcher_weights: Its files of weights, in the order of `geoloc.locate.drone.matchers`; none
            means those of its package, or those that kornia downloads.
        metadata: A CSV that adds to or overrides the photos' own metadata, or the flight
            log (.SRT) of the video that they are frames of.
        frame_rate_hz: Frames a second at which they were taken from their video; None: as their
            names say (`geoloc.photos.video_frame`).
        dem: Elevation models of the bare ground; the first that knows a place wins. They come
            before the one that the index keeps.
        dsm: Elevation models of what is seen from above, roofs and trees; they come before `dem`.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        workers: Threads that decode photos.
        map_sd_m: How far the map itself may be off: the standard deviation of its place, east and
            north, in metres. Radii allow for it, because no photo can tell. None: as a calibration
            on photos of known place has measured it, or else `geoloc.locate.radii.MAP_SD_M`.
        min_confidence: Answers below it are written as ``ambiguous``, in [0, 1].
        max_wrong: Largest share of wrong answers among the located, in (0, 1), in place of
            `min_confidence`; it takes a calibration with enough photos. None promises nothing.
        track: ``auto`` finds out which photos are of one flight or walk, and locates them
            together, but for a promise of `max_wrong`, which is one of photos alone; any other word
            but ``none`` is the column of ``metadata`` that names the track of each photo.
    """

    view: ViewChoice = "auto"
    effort: Effort = "normal"
    prior: str = "none"
    prior_radius_m: float = 200.0
    prior_kind: PriorKind = "soft"
    aoi: str | None = None
    top_k: int = 50
    matcher: MatcherName = "auto"
    matcher_weights: tuple[str, ...] = ()
    metadata: str | None = None
    frame_rate_hz: float | None = None
    dem: tuple[str, ...] = ()
    dsm: tuple[str, ...] = ()
    device: str = "auto"
    workers: int = 2
    map_sd_m: float | None = None
    min_confidence: float = 0.8
    max_wrong: float | None = None
    track: str = "auto"


@dataclass(frozen=True)
class ExportOptions:
    """Which photos are handed on, and how.

    Attributes:
        statuses: The photos to take.
        overwrite: Replace what is there.
        dem: Elevation models, for heights above the sea where photos were located without one.
        source: The file that the results were read from; photos that are not where they were are
            looked for from there.
    """

    statuses: tuple[AnswerStatus, ...] = ("located",)
    overwrite: bool = False
    dem: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class OutputOptions:
    """How a file of results is written.

    Attributes:
        fmt: Format; None takes the one of the extension.
        overwrite: Begin anew, and replace a file that is there when the new one is whole.
        resume: Add photos that are new or have changed to a finished file.
    """

    fmt: OutputFormat | None = None
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True)
class WarpOptions:
    """How located photos are warped to the ground.

    Attributes:
        crs: ``utm`` for the zone of the place, ``map`` for the CRS of the map that a photo was
            found on, or any other CRS.
        gsd_m: Side of a pixel on the ground; None takes the photo's own in its middle.
        reach: Level distance from the camera beyond which nothing is taken, in flying heights.
        creation_options: Creation options of GDAL's COG driver, as ``KEY=VALUE``.
        workers: Threads that compress.
        resume: Warp those anew whose answers have changed.
        overwrite: Replace what is there.
    """

    crs: str = "utm"
    gsd_m: float | None = None
    reach: float = 4.0
    creation_options: tuple[str, ...] = ()
    workers: int = 2
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        checks = (
            (self.gsd_m is None or 0.0001 <= self.gsd_m <= 10_000, "GSD", self.gsd_m,
             "0.0001 to 10000 metres a pixel"),
            (0 < self.reach <= 1000, "reach", self.reach, "0 to 1000 flying heights"),
        )  # fmt: skip
        for fine, name, value, expected in checks:
            if not fine:
                raise OptionError(f"{name} {value} is out of range; expected {expected}")


@dataclass(frozen=True)
class ProjectOptions:
    """How detections in photos are placed on the ground.

    Attributes:
        pixels: Whether the detector saw photos upright, as their EXIF orientation turns them, or as
            their files are stored.
        boxes: What becomes of a box: the ground that it covers, or the point in its middle or in
            the middle of its lower edge.
        reach: Level distance from the camera beyond which nothing is placed, in flying heights.
    """

    pixels: PixelChoice = "upright"
    boxes: BoxChoice = "polygon"
    reach: float = 10.0


@dataclass(frozen=True)
class ExplainOptions:
    """What is explained of a photo and its best tile.

    Attributes:
        view: What kind of photo it is.
        metadata: A CSV that adds to or overrides what the photo says of itself, or the flight log
            (.SRT) of the video that it is a frame of.
        frame_rate_hz: Frames a second at which it was taken from its video, as in `LocateOptions`.
        model: Model of the index, if it was moved.
        rank: Which tile: 1 is the best, 2 the next.
        locate: Also locate the photo, and mark the answer on the tile.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    """

    view: ViewChoice = "auto"
    metadata: str | None = None
    frame_rate_hz: float | None = None
    model: str | None = None
    rank: int = 1
    locate: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class ImportOptions:
    """What is known of a checkpoint beside its file.

    Attributes:
        project: Project whose layout it has.
        name: Name of the new model.
        data_set: What it was trained on; None takes the project's, where that leaves no choice.
        backbone: timm's name of the backbone; None recognises ConvNeXts and else takes what the
            project publishes.
        ground_size_m: Side of a tile on the ground; None takes the data set's.
        whole: For MEAN: also keep the branches that only training needs.
    """

    project: Project
    name: str
    data_set: DataSet | None = None
    backbone: str | None = None
    ground_size_m: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class OnnxOptions:
    """How a model is exported.

    Attributes:
        views: Views to export; none: all that the model was trained for.
        opset: Version of ONNX's set of operators.
        dynamic_batch: Take any number of images at once; else exactly one, which some compilers
            for small devices want.
        overwrite: Replace files of an earlier export.
    """

    views: tuple[str, ...] = ()
    opset: int = OLDEST_OPSET
    dynamic_batch: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class ReportOptions:
    """What a report page holds.

    Attributes:
        redact: ``drop`` leaves out every place and path, ``fuzz`` keeps positions to a kilometre.
        thumbnail_px: Long side of the photos' pictures; 0 leaves them out.
        max_mb: Size in megabytes beyond which map and pictures lie in a folder beside the page.
        overwrite: Replace a page that is there.
    """

    redact: Redaction = "none"
    thumbnail_px: int = 480
    max_mb: float = 50.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.thumbnail_px <= 4000:
            raise OptionError(
                f"thumbnails of {self.thumbnail_px} pixels are out of range; expected 0 to 4000"
            )
        if not self.max_mb > 0:
            raise OptionError(f"--max-mb {self.max_mb} is out of range; expected more than 0")
