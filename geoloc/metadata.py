"""What a photo says of its own place, direction and lens, and how far that is to be believed.

The rules, in the order in which a value is looked for (the first that makes sense wins):

* Position: EXIF GPS, then its copy in XMP, then DJI XMP. (0, 0) is what receivers without a fix
  write: rejected. A missing hemisphere is taken as north or east, as QGIS does, and noted.
* Height above the take-off point: DJI XMP. It is not the height above the ground under the photo.
* Yaw: the gimbal (DJI XMP), the camera (Pix4D or senseFly XMP), the panorama's heading (GPano),
  the direction of EXIF GPS, and last the airframe (DJI FlightYaw), for the camera may look
  elsewhere. Pitch and roll: gimbal, camera or panorama, never the airframe.
* A DJI gimbal whose yaw, pitch and roll are all exactly 0 was not measured (Mavic Mini).
* Field of view: DJI's calibrated focal length; the 35 mm equivalent; focal length and focal plane
  resolution. The 35 mm equivalent is a matter of diagonals (CIPA DCG-001), and the diagonal is the
  sensor's: a photo of 4:3 to 3:2 is taken as the whole sensor, a wider or narrower one as cut from
  a 4:3 sensor along one side, as drones and phones do it. It is taken to include a digital zoom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from PIL import ExifTags, Image

from geoloc.camera import Panorama
from geoloc.errors import PhotoError
from geoloc.exif import Exif, coordinate, iso_time, number, read_exif, text, xmp_coordinate
from geoloc.image_file import open_image, upright_size
from geoloc.xmp import CAMERA, DJI, GPANO, Xmp, XmpError, find_packet, parse_xmp, xmp_value
from geoloc.xmp import EXIF as EXIF_XMP

YawRef = Literal["true", "magnetic"]
Projection = Literal["perspective", "equirectangular"]

# Diagonal of the 36 x 24 mm frame, which a 35 mm equivalent refers to.
_DIAGONAL_35MM = math.hypot(36.0, 24.0)
_HEAD_BYTES = 2**20
# Clockwise turns, after any mirroring, that bring a photo upright (EXIF 2.32, table 6).
_TURNS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}


@dataclass(frozen=True)
class PhotoMetadata:
    """What is known of a photo beside its pixels; None where nothing is.

    Attributes:
        lon: Degrees east (WGS84) of the camera.
        lat: Degrees north.
        altitude_m: Above the sea or the ellipsoid, whatever the device means.
        rel_alt_m: Above the take-off point, positive.
        yaw_deg: Clockwise from north in [0, 360), as `geoloc.camera` defines it.
        yaw_ref: Which north, where it is stated.
        yaw_source: The tag that the yaw came from.
        pitch_deg: -90 straight down, 0 level.
        roll_deg: Positive when the camera's right side goes down.
        hfov_deg: Angle across the width of the upright photo; up to 360 for panoramas.
        focal_35mm: The 35 mm equivalent focal length as stated, in millimetres.
        timestamp: ISO 8601, with the UTC offset where it is stated.
        make: Of the camera.
        model: Of the camera.
        orientation: EXIF 1 to 8.
        rotation_deg: Clockwise turn that brings the stored pixels upright: 0, 90, 180, 270.
        projection: How directions become pixels.
        panorama: The frame of an equirectangular photo, in pixels of the upright file.
        notes: What was missing, doubtful or rejected, one sentence each.
    """

    lon: float | None = None
    lat: float | None = None
    altitude_m: float | None = None
    rel_alt_m: float | None = None
    yaw_deg: float | None = None
    yaw_ref: YawRef | None = None
    yaw_source: str | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    hfov_deg: float | None = None
    focal_35mm: float | None = None
    timestamp: str | None = None
    make: str | None = None
    model: str | None = None
    orientation: int | None = None
    rotation_deg: int | None = None
    projection: Projection | None = None
    panorama: Panorama | None = None
    notes: tuple[str, ...] = ()


def read_metadata(path: str | Path) -> PhotoMetadata:
    """What a photo file says; its pixels are not decoded.

    Nothing in the file raises: what cannot be read is None, and a note says so.

    Raises:
        PhotoError: There is no such file.
    """
    return _read_file(Path(path)).metadata()


def describe(path: str | Path) -> dict[str, str]:
    """Each thing that a photo says, with the tag that said it: ``{"yaw_deg": "152.1 (DJI ...)"}``.

    Raises:
        PhotoError: There is no such file.
    """
    reading = _read_file(Path(path))
    said = {
        name: f"{_shown(value)} ({reading.sources[name]})"
        for name, value in reading.values.items()
        if name != "yaw_source"
    }
    return {**said, **{f"note {i}": note for i, note in enumerate(reading.notes, 1)}}


def merge(photo: PhotoMetadata, table: PhotoMetadata) -> PhotoMetadata:
    """What the photo says, overridden by everything that the table says; the notes of both."""
    stated = {
        name: value
        for name in (f.name for f in fields(PhotoMetadata))
        if name != "notes" and (value := getattr(table, name)) is not None
    }
    if "yaw_deg" in stated:  # the photo's reference does not belong to the table's yaw
        stated.setdefault("yaw_ref", None)
        stated.setdefault("yaw_source", None)
    return replace(photo, **stated, notes=photo.notes + table.notes)


def hfov_of_equivalent(focal_35mm: float, upright: tuple[int, int]) -> float:
    """The angle in degrees across a photo's width, from its 35 mm equivalent focal length.

    Args:
        focal_35mm: In millimetres.
        upright: Width and height of the photo, or of a video's frame, in pixels.
    """
    return _hfov_deg(focal_35mm / _long_side_35mm(upright), upright)


def read_image_metadata(image: Image.Image, path: Path) -> PhotoMetadata:
    """What an image says that was just opened from `path`, for one who goes on to decode it."""
    return _read_image(image, head=_head(path)).metadata()


@dataclass
class _Reading:
    """What was found so far, and where."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, name: str, value: object, source: str) -> None:
        """Keep a value unless there is none, or a better source gave one before."""
        if value is not None and name not in self.values:
            self.values[name] = value
            self.sources[name] = source

    def take_within(
        self, name: str, value: float | None, source: str, *, limits: tuple[float, float]
    ) -> None:
        """Keep a number that lies within the limits; note one that does not."""
        if value is not None and not limits[0] <= value <= limits[1]:
            self.notes.append(f"{source} {value:g} is out of range: ignored")
            return
        self.take(name, value, source)

    def metadata(self) -> PhotoMetadata:
        return PhotoMetadata(**self.values, notes=tuple(self.notes))


def _read_file(path: Path) -> _Reading:
    try:
        with open_image(path) as image:
            return _read_image(image, head=_head(path))
    except PhotoError as error:
        if not path.is_file():
            raise
        return _Reading(notes=[str(error)])


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _read_image(image: Image.Image, *, head: bytes) -> _Reading:
    exif = read_exif(image)
    reading = _Reading(notes=list(exif.notes))
    xmp = _read_xmp(image, exif, head, reading)
    upright = _read_frame(image, exif, reading)
    _read_position(exif, xmp, reading)
    _read_angles(exif, xmp, reading)
    _read_panorama(upright, xmp, reading)
    _read_lens(upright, exif, xmp, reading)
    return reading


def _read_xmp(image: Image.Image, exif: Exif, head: bytes, reading: _Reading) -> Xmp:
    """The XMP of an image, from where its container keeps it, else from the file's beginning."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or exif.main.get(700)
    if isinstance(packet, tuple):  # TIFF readers may give bytes as a tuple of numbers
        packet = bytes(v & 255 for v in packet if isinstance(v, int))
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    packet = packet if isinstance(packet, bytes) and packet.strip(b"\0 ") else find_packet(head)
    if not packet:
        return {}
    try:
        return parse_xmp(packet)
    except XmpError as error:
        reading.notes.append(str(error))
        return {}


def _read_frame(image: Image.Image, exif: Exif, reading: _Reading) -> tuple[int, int]:
    """Orientation, device and time; returns width and height of the upright photo."""
    base = ExifTags.Base
    stored = exif.main.get(base.Orientation)
    if stored is not None and (not isinstance(stored, int) or stored not in _TURNS):
        reading.notes.append(f"EXIF Orientation {str(stored)[:20]} is none of 1 to 8: ignored")
        stored = None
    reading.take("orientation", stored, "EXIF Orientation")
    reading.take("rotation_deg", _TURNS[stored or 1], "EXIF Orientation")
    reading.take("make", text(exif.main.get(base.Make)), "EXIF Make")
    reading.take("model", text(exif.main.get(base.Model)), "EXIF Model")
    reading.take("timestamp", *iso_time(exif))
    return upright_size(image, stored)


def _read_position(exif: Exif, xmp: Xmp, reading: _Reading) -> None:
    tags = ExifTags.GPS
    lat, lat_signed = coordinate(exif.gps, tags.GPSLatitude, tags.GPSLatitudeRef, "S")
    lon, lon_signed = coordinate(exif.gps, tags.GPSLongitude, tags.GPSLongitudeRef, "W")
    if _take_position(lon, lat, "EXIF GPS", reading) and not (lat_signed and lon_signed):
        reading.notes.append("EXIF GPS lacks a hemisphere: taken as north and east")
    lon, lat = (
        xmp_coordinate(xmp_value(xmp, EXIF_XMP, tag)) for tag in ("GPSLongitude", "GPSLatitude")
    )
    _take_position(lon, lat, "XMP exif:GPS", reading)
    lon = _dji(xmp, "GpsLongitude")
    lon = _dji(xmp, "GpsLongtitude") if lon is None else lon  # DJI's own spelling, once
    _take_position(lon, _dji(xmp, "GpsLatitude"), "DJI XMP", reading)

    altitude_m = number(exif.gps.get(tags.GPSAltitude))
    ref = exif.gps.get(tags.GPSAltitudeRef)
    below = ref in (1, 3, b"\x01", b"\x03", "1", "3")  # 2 and 3: of the ellipsoid, EXIF 3.0
    if altitude_m is not None and below:
        altitude_m = -abs(altitude_m)
    limits = (-1000.0, 100_000.0)
    reading.take_within("altitude_m", altitude_m, "EXIF GPSAltitude", limits=limits)
    absolute_m = _dji(xmp, "AbsoluteAltitude")
    reading.take_within("altitude_m", absolute_m, "DJI AbsoluteAltitude", limits=limits)
    relative_m = _dji(xmp, "RelativeAltitude")
    if relative_m is not None and relative_m <= 0:
        reading.notes.append(f"DJI RelativeAltitude {relative_m:g} is not above ground: ignored")
        return
    limits = (0.0, 20_000.0)
    reading.take_within("rel_alt_m", relative_m, "DJI RelativeAltitude", limits=limits)


def _take_position(lon: float | None, lat: float | None, source: str, reading: _Reading) -> bool:
    """Keep a position that makes sense; whether it was kept now."""
    if lon is None or lat is None or "lon" in reading.values:
        return False
    if abs(lon) > 180 or abs(lat) > 90:
        reading.notes.append(f"{source} position {lat:g}, {lon:g} is not on Earth: ignored")
        return False
    if abs(lon) < 1e-6 and abs(lat) < 1e-6:
        reading.notes.append(f"{source} position is 0, 0, so the receiver had no fix: ignored")
        return False
    reading.take("lon", lon, source)
    reading.take("lat", lat, source)
    return True


def _read_angles(exif: Exif, xmp: Xmp, reading: _Reading) -> None:
    gimbal = {axis: _dji(xmp, f"Gimbal{axis}Degree") for axis in ("Yaw", "Pitch", "Roll")}
    if _is_unset(gimbal):
        reading.notes.append("the DJI gimbal says 0 for yaw, pitch and roll, which means unset")
        gimbal = {}
    _take_angles(gimbal, "DJI Gimbal{}Degree", reading)
    _take_angles(_pix4d_angles(xmp, reading), "XMP Camera:{}", reading)
    _take_yaw(_gpano(xmp, "PoseHeadingDegrees"), "GPano PoseHeadingDegrees", reading)
    tags = ExifTags.GPS
    ref = (text(exif.gps.get(tags.GPSImgDirectionRef)) or "").upper()[:1]
    named: YawRef | None = {"T": "true", "M": "magnetic"}.get(ref)  # type: ignore[assignment]
    direction = number(exif.gps.get(tags.GPSImgDirection))
    _take_yaw(direction, "EXIF GPSImgDirection", reading, ref=named)
    flight = {axis: _dji(xmp, f"Flight{axis}Degree") for axis in ("Yaw", "Pitch", "Roll")}
    if "yaw_deg" not in reading.values and flight["Yaw"] is not None and not _is_unset(flight):
        _take_yaw(flight["Yaw"], "DJI FlightYawDegree", reading)
        reading.notes.append("the yaw is the airframe's: the camera may look elsewhere")


def _is_unset(angles: Mapping[str, float | None]) -> bool:
    """Whether yaw and pitch, and roll where there is one, are all exactly zero."""
    yaw, pitch, roll = angles["Yaw"], angles["Pitch"], angles["Roll"]
    return yaw == 0 and pitch == 0 and roll in (0, None)


def _take_angles(angles: Mapping[str, float | None], source: str, reading: _Reading) -> None:
    _take_yaw(angles.get("Yaw"), source.format("Yaw"), reading)
    for name, axis in (("pitch_deg", "Pitch"), ("roll_deg", "Roll")):
        value, tag = angles.get(axis), source.format(axis)
        reading.take_within(name, value, tag, limits=(-180.0, 180.0))


def _take_yaw(
    yaw_deg: float | None, source: str, reading: _Reading, *, ref: YawRef | None = None
) -> None:
    if yaw_deg is None or "yaw_deg" in reading.values:
        return
    if abs(yaw_deg) > 720:
        reading.notes.append(f"{source} {yaw_deg:g} is no angle: ignored")
        return
    reading.take("yaw_deg", yaw_deg % 360, source)
    reading.take("yaw_ref", ref, source)
    reading.take("yaw_source", source, source)


def _pix4d_angles(xmp: Xmp, reading: _Reading) -> dict[str, float | None]:
    """Angles of the ``Camera`` namespace, whose pitch is 0 at the nadir, as DJI counts them."""
    for namespace in CAMERA:
        angles = {
            axis: number(xmp_value(xmp, namespace, axis)) for axis in ("Yaw", "Pitch", "Roll")
        }
        if any(value is not None for value in angles.values()):
            pitch = angles["Pitch"]
            return {**angles, "Pitch": None if pitch is None else pitch - 90}
    return {}


def _read_panorama(upright: tuple[int, int], xmp: Xmp, reading: _Reading) -> None:
    kind = (xmp_value(xmp, GPANO, "ProjectionType") or "").lower()
    if kind not in ("", "equirectangular"):
        reading.notes.append(f"GPano projection {kind[:30]!r} is not known: taken as perspective")
    if kind != "equirectangular":
        reading.take("projection", "perspective", "no GPano")
        return
    reading.take("projection", "equirectangular", "GPano ProjectionType")
    panorama = _panorama(upright, xmp, heading_deg=reading.values.get("yaw_deg", 0.0))
    reading.take("panorama", panorama, "GPano")
    reading.take("hfov_deg", 360 * upright[0] / panorama.full_width_px, "GPano")


def _panorama(upright: tuple[int, int], xmp: Xmp, *, heading_deg: float) -> Panorama:
    """The frame of a panorama in pixels of this file, which may have been resized since."""
    width, height = upright
    stored_px = _gpano(xmp, "CroppedAreaImageWidthPixels") or width
    factor = width / stored_px if stored_px > 0 else 1.0
    full_width = round((_gpano(xmp, "FullPanoWidthPixels") or stored_px) * factor)
    full_height = round((_gpano(xmp, "FullPanoHeightPixels") or full_width / 2 / factor) * factor)
    left = round((_gpano(xmp, "CroppedAreaLeftPixels") or 0) * factor)
    top = round((_gpano(xmp, "CroppedAreaTopPixels") or 0) * factor)
    return Panorama(
        min(max(full_width, width), 64 * width),
        min(max(full_height, height), 64 * height),
        min(max(left, 0), 64 * width),
        min(max(top, 0), 64 * height),
        heading_deg=heading_deg,
        pitch_deg=_gpano(xmp, "PosePitchDegrees") or 0.0,
        roll_deg=_gpano(xmp, "PoseRollDegrees") or 0.0,
    )


def _read_lens(upright: tuple[int, int], exif: Exif, xmp: Xmp, reading: _Reading) -> None:
    base = ExifTags.Base
    equivalent_mm = number(exif.photo.get(base.FocalLengthIn35mmFilm)) or None  # 0 is unknown
    source = "EXIF FocalLengthIn35mmFilm"
    reading.take_within("focal_35mm", equivalent_mm, source, limits=(1.0, 5000.0))
    zoom = number(exif.photo.get(base.DigitalZoomRatio)) or 1.0
    if zoom > 1.001:
        reading.notes.append(f"digital zoom {zoom:g}: taken as part of the 35 mm focal length")
    if reading.values["projection"] == "equirectangular":
        return
    exposed = _exposed_size(upright, exif)
    if _is_cut(upright, exposed):
        reading.notes.append("the photo was cut after exposure: its field of view is not known")
        return
    long_px = max(exposed)
    calibrated = _dji(xmp, "CalibratedFocalLength")
    _take_focal(calibrated and calibrated / long_px, "DJI CalibratedFocalLength", upright, reading)
    equivalent_mm = reading.values.get("focal_35mm")
    sides = equivalent_mm and equivalent_mm / _long_side_35mm(upright)
    _take_focal(sides, "EXIF FocalLengthIn35mmFilm", upright, reading)
    _take_focal(_focal_of_plane(long_px, exif), "EXIF FocalPlaneXResolution", upright, reading)


def _take_focal(
    focal_sides: float | None, source: str, upright: tuple[int, int], reading: _Reading
) -> None:
    """Keep the field of view of a focal length given in long sides of the photo."""
    if focal_sides is None or "hfov_deg" in reading.values:
        return
    if not 0.1 < focal_sides < 100:
        reading.notes.append(f"{source} makes no sense for this photo: ignored")
        return
    reading.take("hfov_deg", _hfov_deg(focal_sides, upright), source)


def _hfov_deg(focal_sides: float, upright: tuple[int, int]) -> float:
    """The angle across the width, from a focal length in long sides."""
    return math.degrees(2 * math.atan(upright[0] / max(upright) / 2 / focal_sides))


def _long_side_35mm(upright: tuple[int, int]) -> float:
    """Millimetres that the long side of a photo spans on a frame of the same diagonal."""
    long_px, short_px = max(upright), min(upright)
    aspect = long_px / short_px
    if 1.32 <= aspect <= 1.52:
        return _DIAGONAL_35MM * aspect / math.hypot(aspect, 1)
    # Cut from 4:3 (a 3-4-5 triangle): wide photos keep the long side, square ones the short one.
    return _DIAGONAL_35MM * (0.8 if aspect > 1.4 else 0.6 * aspect)


def _exposed_size(upright: tuple[int, int], exif: Exif) -> tuple[float, float]:
    """The size of the photo when it was taken, which is the file's unless EXIF says otherwise."""
    base = ExifTags.Base
    width = number(exif.photo.get(base.ExifImageWidth))
    height = number(exif.photo.get(base.ExifImageHeight))
    return (width, height) if width and height and min(width, height) > 0 else upright


def _is_cut(upright: tuple[int, int], exposed: tuple[float, float]) -> bool:
    """Whether the sides relate otherwise than at exposure by more than rounding explains."""
    now, then = max(upright) / min(upright), max(exposed) / min(exposed)
    return abs(now / then - 1) > 0.02 + 1 / min(upright)


def _focal_of_plane(long_px: float, exif: Exif) -> float | None:
    """Focal length in long sides, from millimetres and the resolution of the focal plane."""
    base = ExifTags.Base
    focal_mm = number(exif.photo.get(base.FocalLength))
    per_unit = number(exif.photo.get(base.FocalPlaneXResolution))
    unit = exif.photo.get(base.FocalPlaneResolutionUnit, 2)
    unit_mm = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(unit if isinstance(unit, int) else 2)
    if not focal_mm or not per_unit or unit_mm is None or focal_mm < 0 or per_unit < 0:
        return None
    return focal_mm / (long_px / per_unit * unit_mm)


def _dji(xmp: Xmp, name: str) -> float | None:
    return number(xmp_value(xmp, DJI, name))


def _gpano(xmp: Xmp, name: str) -> float | None:
    return number(xmp_value(xmp, GPANO, name))


def _shown(value: object) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
