"""The schema of results: the columns of the output, their names, kinds and units.

First come the names of QGIS's own *Import geotagged photos*, so that styles and forms made for it
work, then ours. `direction` is our heading where there is one and else what the photo says of
itself; `longitude` and `latitude` are our answer; what the photo says of its place is in the
``exif_`` columns only. All coordinates are degrees in WGS84.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Status = Literal["located", "ambiguous", "rejected", "unreadable", "corrected"]
PositionKind = Literal["camera", "scene"]
LensKind = Literal["stated", "fitted", "assumed"]
ColumnKind = Literal["text", "real", "whole", "time"]

_LONLAT_DECIMALS = 7  # RFC 7946 section 11.2: about a centimetre
_ANGLE_DECIMALS = 4  # a centimetre on the ground a few kilometres away


@dataclass(frozen=True)
class PhotoResult:
    """What is known of one photo after `locate`; a column of the output each.

    Attributes:
        photo: Absolute path of the photo.
        status: ``located``; ``ambiguous`` (an answer that is in doubt); ``rejected`` (read, but
            found nowhere); ``unreadable``; ``corrected`` (a person has said where it was taken).
        altitude: Height above sea level, metres, as the photo says.
        direction: View direction, degrees clockwise from north: `heading`, or else what the photo
            says.
        rotation: Degrees (0, 90, 180, 270) by which the photo's EXIF orientation turns it.
        longitude: Longitude of the answer, degrees; None when there is none.
        latitude: Latitude of the answer, degrees; None when there is none.
        timestamp: Time at which the photo was taken, ISO 8601, as the photo says.
        photo_rel: Path of the photo from the output's folder; set on writing.
        confidence: Probability that the true position lies within `conf_radius_m`, 0 to 1.
        conf_kind: How well `confidence` is founded: ``calibrated:photos`` on photos of this index's
            own ground, ``calibrated:map`` on its map, ``calibrated:model`` on other maps that the
            descriptor's model was tried on; ``uncalibrated`` on a curve that was set by hand.
        conf_radius_m: Radius that `confidence` refers to, metres.
        ce90_m: Radius that holds the true position 90 % of the time, metres.
        acc95_m: Radius that holds the true position 95 % of the time, metres.
        heading: View direction, degrees clockwise from true north, as matched with the map.
        heading_sd: Standard deviation of `heading`, degrees.
        pitch_deg: Turn about the photo's horizontal axis, degrees; -90 straight down, 0 level.
        pitch_sd_deg: Standard deviation of `pitch_deg`, degrees.
        roll_deg: Angle by which the photo's horizontal axis goes down to its right, degrees.
        roll_sd_deg: Standard deviation of `roll_deg`, degrees.
        height_m: Height of the camera above the ground below it, metres.
        height_sd_m: Standard deviation of `height_m`, metres.
        altitude_m: Height of the camera above the sea, metres, as the terrain has it; None without
            a terrain.
        hfov_deg: Angle from the left to the right edge of the upright photo, degrees.
        hfov_sd_deg: Standard deviation of `hfov_deg`, degrees.
        lens_kind: How the lens is known: ``stated`` by the photo or a table, ``fitted`` to the map,
            ``assumed``, as usual for the kind of photo.
        distortion: Distortion of the lens by a model and its coefficients, JSON; None where the
            photo is taken to have none.
        photo_width: Width of the upright photo, pixels; the angles refer to it.
        photo_height: Height of the upright photo, pixels.
        position_kind: Kind of the position: where the ``camera`` was or the ``scene`` it shows.
        scene_longitude: Longitude of the ground point at the photo's centre, degrees.
        scene_latitude: Latitude of the ground point at the photo's centre, degrees.
        footprint: The photo's outline on the ground, WKT in lon, lat; cut at the antimeridian.
        score: Strength of the match that won; not comparable between indexes.
        margin: Lead of `score` over the best answer elsewhere.
        spread_m: Spread of the candidates' positions, metres.
        n_modes: Number of places that compete.
        n_inliers: Number of matched features that agree with the answer.
        candidates: Places that compete, the likeliest first, JSON: lists of longitude, latitude
            (degrees), probability, and the radius that holds the truth 90 % of the time if it is
            that place (metres). What is missing to a probability of one is that of none of them.
        control_points: Points of the photo that agree with the map, the same ones in photos of the
            same ground where they can be, JSON: lists of column, row (pixels of the upright photo),
            longitude, latitude (degrees), height (metres above the sea, or null) and distance from
            where the camera puts it (metres).
        track: Name of the flight or walk that the photo belongs to; None where it stands alone.
        track_position: Its position in that track, from 1.
        from_track: 1 where its track decided, 0 where the photo alone did; None without tracks.
        single_status: `status` that the photo alone would have had, where its track decided.
        single_longitude: Longitude of the answer of the photo alone, degrees, likewise.
        single_latitude: Latitude of the answer of the photo alone, degrees, likewise.
        view: Kind of photo that it was taken for: drone, panorama or street.
        tile_id: Name of the tile that holds the answer.
        tile_path: Path of that tile's pixels from the folder of the index, as the index has it;
            absolute or a URL where they lie on another drive or a server.
        tile_crs: CRS of that tile.
        exif_lon: Longitude that the photo says, degrees; never used for the answer by default.
        exif_lat: Latitude that the photo says, degrees.
        exif_dist_m: Distance from there to the answer, metres.
        prior_dist_m: Distance from the place that was supposed beforehand to the answer, metres.
        error: Reason why there is no answer.
        correction: What a person did with the answer (``accept``, ``reject`` or ``move``), and what
            the row held before, JSON by the names of the columns.
        model: Name of the model.
        index_id: Digest that names the index.
        run_id: Random name of the run that wrote this.
        geoloc_version: Version of geoloc that located the photo.
        options: Options that differ from the defaults and decide the answer, as JSON; files by name
            and a digest of their content.
        photo_size: Size of the photo's file when it was read, bytes.
        photo_time: Time at which the photo's file was last modified, ISO 8601, to the millisecond.
            A photo whose size, time and flight log are still the same need not be located again.
        flight_log: Flight log that lay beside the photo, by name and a digest of its content.
    """

    photo: str
    status: Status
    altitude: float | None = None
    direction: float | None = None
    rotation: int | None = None
    longitude: float | None = None
    latitude: float | None = None
    timestamp: str | None = None
    photo_rel: str | None = None
    confidence: float | None = None
    conf_kind: str | None = None
    conf_radius_m: float | None = None
    ce90_m: float | None = None
    acc95_m: float | None = None
    heading: float | None = None
    heading_sd: float | None = None
    pitch_deg: float | None = None
    pitch_sd_deg: float | None = None
    roll_deg: float | None = None
    roll_sd_deg: float | None = None
    height_m: float | None = None
    height_sd_m: float | None = None
    altitude_m: float | None = None
    hfov_deg: float | None = None
    hfov_sd_deg: float | None = None
    lens_kind: LensKind | None = None
    distortion: str | None = None
    photo_width: int | None = None
    photo_height: int | None = None
    position_kind: PositionKind | None = None
    scene_longitude: float | None = None
    scene_latitude: float | None = None
    footprint: str | None = None
    score: float | None = None
    margin: float | None = None
    spread_m: float | None = None
    n_modes: int | None = None
    n_inliers: int | None = None
    candidates: str | None = None
    control_points: str | None = None
    track: str | None = None
    track_position: int | None = None
    from_track: int | None = None
    single_status: str | None = None
    single_longitude: float | None = None
    single_latitude: float | None = None
    view: str | None = None
    tile_id: str | None = None
    tile_path: str | None = None
    tile_crs: str | None = None
    exif_lon: float | None = None
    exif_lat: float | None = None
    exif_dist_m: float | None = None
    prior_dist_m: float | None = None
    error: str | None = None
    correction: str | None = None
    model: str | None = None
    index_id: str | None = None
    run_id: str | None = None
    geoloc_version: str | None = None
    options: str | None = None
    photo_size: int | None = None
    photo_time: str | None = None
    flight_log: str | None = None

    @property
    def filename(self) -> str:
        """The photo's name without folder and extension, as QGIS has it."""
        return Path(self.photo).stem

    @property
    def directory(self) -> str:
        """The photo's folder."""
        return str(Path(self.photo).parent)

    @property
    def has_position(self) -> bool:
        """Whether there is an answer, certain or not."""
        return self.longitude is not None and self.latitude is not None


@dataclass(frozen=True)
class Column:
    """One column of the output.

    Attributes:
        name: Name in `PhotoResult` and in every file.
        kind: Kind of its values.
        decimals: Digits after the point that are written of a real number.
        bits: Bits of a whole number in a table.
    """

    name: str
    kind: ColumnKind = "text"
    decimals: int = 2
    bits: int = 32


RESULT_COLUMNS = (
    Column("photo"),
    Column("filename"),
    Column("directory"),
    Column("altitude", "real"),
    Column("direction", "real"),
    Column("rotation", "whole"),
    Column("longitude", "real", _LONLAT_DECIMALS),
    Column("latitude", "real", _LONLAT_DECIMALS),
    Column("timestamp", "time"),
    Column("photo_rel"),
    Column("status"),
    Column("confidence", "real", 4),
    Column("conf_kind"),
    Column("conf_radius_m", "real"),
    Column("ce90_m", "real"),
    Column("acc95_m", "real"),
    Column("heading", "real", _ANGLE_DECIMALS),
    Column("heading_sd", "real"),
    Column("pitch_deg", "real", _ANGLE_DECIMALS),
    Column("pitch_sd_deg", "real"),
    Column("roll_deg", "real", _ANGLE_DECIMALS),
    Column("roll_sd_deg", "real"),
    Column("height_m", "real"),
    Column("height_sd_m", "real"),
    Column("altitude_m", "real"),
    Column("hfov_deg", "real", _ANGLE_DECIMALS),
    Column("hfov_sd_deg", "real"),
    Column("lens_kind"),
    Column("distortion"),
    Column("photo_width", "whole"),
    Column("photo_height", "whole"),
    Column("position_kind"),
    Column("scene_longitude", "real", _LONLAT_DECIMALS),
    Column("scene_latitude", "real", _LONLAT_DECIMALS),
    Column("footprint"),
    Column("score", "real", 4),
    Column("margin", "real", 4),
    Column("spread_m", "real"),
    Column("n_modes", "whole"),
    Column("n_inliers", "whole"),
    Column("candidates"),
    Column("control_points"),
    Column("track"),
    Column("track_position", "whole"),
    Column("from_track", "whole"),
    Column("single_status"),
    Column("single_longitude", "real", _LONLAT_DECIMALS),
    Column("single_latitude", "real", _LONLAT_DECIMALS),
    Column("view"),
    Column("tile_id"),
    Column("tile_path"),
    Column("tile_crs"),
    Column("exif_lon", "real", _LONLAT_DECIMALS),
    Column("exif_lat", "real", _LONLAT_DECIMALS),
    Column("exif_dist_m", "real"),
    Column("prior_dist_m", "real"),
    Column("error"),
    Column("correction"),
    Column("model"),
    Column("index_id"),
    Column("run_id"),
    Column("geoloc_version"),
    Column("options"),
    Column("photo_size", "whole", bits=64),
    Column("photo_time", "time"),
    Column("flight_log"),
)

Record = dict[str, Any]


def result_record(result: PhotoResult) -> Record:
    """The row of `result`: every column in order, rounded, None for what is not known."""
    return {
        column.name: plain_value(getattr(result, column.name), column) for column in RESULT_COLUMNS
    }


def plain_value(value: Any, column: Column) -> str | float | int | None:
    """`value` as a plain Python value of its column's kind; numpy numbers and NaN are undone."""
    if value is None or value == "":
        return None
    if column.kind == "real":
        number = float(value)
        return round(number, column.decimals) if math.isfinite(number) else None
    if column.kind == "whole":
        return int(value)
    return plain_text(str(value))


def plain_text(text: str) -> str:
    """`text` as Unicode: a file name need not be, a file of ours must."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def result_of(record: Mapping[str, Any]) -> PhotoResult | None:
    """The result that a row of a file holds; None if it is no row of ours.

    Columns that are not ours are passed over, and older files lack the newer ones.

    Raises:
        ValueError: A column holds something of another kind.
    """
    if not record.get("photo") or record.get("status") not in get_args(Status):
        return None
    derived = {"filename", "directory"}
    values = {
        column.name: plain_value(_present(record.get(column.name)), column)
        for column in RESULT_COLUMNS
        if column.name not in derived
    }
    return PhotoResult(**values)  # type: ignore[arg-type]  # kinds follow RESULT_COLUMNS


def _present(value: Any) -> Any:
    """`value`, with the times that tables hold as ISO 8601 text."""
    return value.isoformat() if hasattr(value, "isoformat") else value
