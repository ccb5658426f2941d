"""The options of geoloc that the dialogs show: names, labels, kinds and defaults.

Knows nothing of QGIS, so that geoloc's tests can compare it with the command line.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple, Union


class Option(NamedTuple):
    """One option of a command, and how a dialog shows it.

    Attributes:
        name: The parameter's name in QGIS.
        flag: The option of the command line, such as ``--min-confidence``.
        label: What the dialog shows.
        kind: ``text``, ``number``, ``integer``, ``enum``, ``flag``, ``file``, ``folder``, ``crs``,
            ``raster`` or ``extent``.
        default: That of the command line; None leaves the option out.
        choices: Of an enum, as the command line calls them.
        is_advanced: Whether the dialog folds it away.
    """

    name: str
    flag: str
    label: str
    kind: str
    default: Optional[Union[str, float, bool]] = None
    choices: Tuple[str, ...] = ()
    is_advanced: bool = False


_DEM = Option("DEM", "--dem", "Elevation model of the ground", "raster", is_advanced=True)
_DEVICE = Option("DEVICE", "--device", "Device (auto, cpu, cuda, mps)", "text", "auto", (), True)

TILE = (
    Option("EXTENT", "--bounds", "Extent to tile (default: all of the raster)", "extent"),
    Option("MODEL", "--model", "Model, by name or folder", "text", "clnet-aerial"),
    Option("OVERLAP", "--overlap", "Overlap of tiles, share of a side (default: the model's)",
           "number", is_advanced=True),
    Option("MIN_VALID", "--min-valid", "Least share of valid pixels", "number", 0.5, (), True),
    Option("VIRTUAL", "--virtual", "Write no pixels; the raster stays", "flag", False, (), True),
)  # fmt: skip
INDEX = (
    _DEM,
    Option("FEATURES", "--features", "Local features of the map", "enum", "stored",
           ("stored", "lazy"), True),
    _DEVICE,
)  # fmt: skip
LOCATE = (
    Option("RECURSIVE", "--recursive", "Also search subfolders", "flag", False),
    Option("VIEW", "--view", "Kind of the photos", "enum", "auto",
           ("auto", "drone", "street", "panorama")),
    Option("METADATA", "--metadata", "Table (CSV) or flight log (SRT) of the photos", "file"),
    Option("TRACK", "--track", "Flights located together: auto, none, or a column of the table",
           "text", "auto"),
    Option("PRIOR", "--prior", "Known position: none, exif, near:LON,LAT,RADIUS, or a CSV", "text",
           "none"),
    Option("PRIOR_RADIUS", "--prior-radius", "Radius round a known position, metres", "number",
           200.0, (), True),
    Option("PRIOR_KIND", "--prior-kind", "How a known position is used", "enum", "soft",
           ("soft", "hard"), True),
    Option("AREA", "--aoi", "Vector file of the area to search", "file", None, (), True),
    Option("EFFORT", "--effort", "Effort", "enum", "normal", ("low", "normal", "high")),
    Option("MIN_CONFIDENCE", "--min-confidence", "Least confidence of located photos [0 to 1]",
           "number", 0.8, (), True),
    Option("MAX_WRONG", "--max-wrong", "Largest share of wrong answers among the located [0 to 1], "
           "on a calibrated index", "number", is_advanced=True),
    Option("MATCHER", "--matcher", "Learned matcher that is asked in doubt", "enum", "auto",
           ("auto", "none", "xfeat", "lightglue-disk", "loftr"), True),
    Option("FRAME_RATE", "--frame-rate", "Frames per second, of frames of a video with a log",
           "number", is_advanced=True),
    Option("MAP_SD", "--map-sd", "Standard deviation of the map itself, metres", "number",
           is_advanced=True),
    Option("TOP_K", "--top-k", "Tiles that the network proposes", "integer", 50, (), True),
    _DEM,
    Option("DSM", "--dsm", "Elevation model with roofs and trees", "raster", is_advanced=True),
    _DEVICE,
)  # fmt: skip
ADAPT = (
    Option("MODEL", "--model", "Model to begin with, by name or folder", "text", "clnet-aerial"),
    Option("MINUTES", "--minutes", "Time limit, minutes", "number", 20.0),
    Option("WHOLE", "--whole", "Also train the backbone", "flag", False, (), True),
    Option("SEED", "--seed", "Seed", "integer", 1, (), True),
    _DEVICE,
)
EVALUATE = (
    Option("POINT", "--point", "Point that is compared", "enum", "auto",
           ("auto", "camera", "scene"), True),
)  # fmt: skip
WARP = (
    Option("INDEX", "--index", "Index, for the heights that it keeps", "folder"),
    Option("GSD", "--gsd", "Pixel on the ground, metres (default: each photo's own)", "number"),
    Option("CRS", "--crs", "CRS (default: UTM of the place)", "crs"),
    Option("REACH", "--reach", "Reach in flying heights", "number", 4.0, (), True),
    _DEM,
    Option("DSM", "--dsm", "Elevation model with roofs and trees", "raster", is_advanced=True),
)
REPORT = (
    Option("INDEX", "--index", "Index, whose map the page shows", "folder"),
    Option("TRUTH", "--truth", "True positions (CSV, or corrections)", "file"),
    Option("REDACT", "--redact", "Leave out or blur positions", "enum", "none",
           ("none", "drop", "fuzz"), True),
)  # fmt: skip
COMMANDS = {
    "tile": TILE,
    "index": INDEX,
    "locate": LOCATE,
    "adapt": ADAPT,
    "evaluate": EVALUATE,
    "warp": WARP,
    "report": REPORT,
}
