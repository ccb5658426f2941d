"""What a copy of a photo states of its camera: EXIF's GPS directory, and the angles of XMP.

Angles go by the names of the photo's own dialect: DJI's, whose pitch is -90 straight down, in
photos of DJI (programs read those of other makers by other rules), and else Pix4D's, whose pitch is
0 there. Names of either dialect that are there already, and those of other programs for the
position, are set too, for a photo that says two things says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from PIL import ExifTags

from geoloc.export.attitude import body_angles
from geoloc.export.camera_view import horizontal_sd_m
from geoloc.geometry.camera import rotation
from geoloc.photos.xmp import CAMERA, DJI, EXIF, GPANO
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import solved_camera

_GPS = ExifTags.GPS
_ARCSECOND_PARTS = 10**7  # 3 micrometres on the ground; 60 of them still fit 32 bits

XmpName = tuple[str, str]
# Of a GPS directory, what describes a receiver's own fix, which is no longer stated.
OUTDATED = frozenset(
    {
        _GPS.GPSSatellites,
        _GPS.GPSStatus,
        _GPS.GPSMeasureMode,
        _GPS.GPSDOP,
        _GPS.GPSProcessingMethod,
        _GPS.GPSAreaInformation,
        _GPS.GPSDifferential,
    }
)

GpsValue = bytes | str | list[Fraction]


@dataclass(frozen=True)
class Stated:
    """Metadata of a copy.

    Attributes:
        gps: Tags of the GPS directory: bytes, text, or fractions.
        xmp: Values of XMP by namespace and name.
        xmp_if_there: The same, for names that are there already.
    """

    gps: dict[int, GpsValue]
    xmp: dict[XmpName, str] = field(default_factory=dict)
    xmp_if_there: dict[XmpName, str] = field(default_factory=dict)


def stated_of(result: PhotoResult, *, is_dji: bool) -> Stated:
    """What a copy of a located photo states."""
    dji, pix4d = _dji_angles(result), _pix4d_angles(result)
    always, if_there = (dji, pix4d) if is_dji else (pix4d, dji)
    return Stated(
        _gps_tags(result),
        {**always, **_accuracies(result)},
        {**if_there, **_positions(result)},
    )


def _gps_tags(result: PhotoResult) -> dict[int, GpsValue]:
    """The GPS directory: position, height, direction and accuracy, of those that are known."""
    lon, lat = result.longitude, result.latitude
    assert lon is not None
    assert lat is not None
    tags: dict[int, GpsValue] = {
        _GPS.GPSVersionID: bytes([2, 3, 0, 0]),
        _GPS.GPSLatitudeRef: "N" if lat >= 0 else "S",
        _GPS.GPSLatitude: _sexagesimal(lat),
        _GPS.GPSLongitudeRef: "E" if lon >= 0 else "W",
        _GPS.GPSLongitude: _sexagesimal(lon),
        _GPS.GPSMapDatum: "WGS-84",
    }
    if result.altitude_m is not None:
        tags[_GPS.GPSAltitudeRef] = bytes([result.altitude_m < 0])
        tags[_GPS.GPSAltitude] = [_thousandths(abs(result.altitude_m))]
    if result.heading is not None:
        tags[_GPS.GPSImgDirectionRef] = "T"
        tags[_GPS.GPSImgDirection] = [Fraction(round(result.heading * 1000) % 360_000, 1000)]
    if result.acc95_m is not None:
        tags[_GPS.GPSHPositioningError] = [_thousandths(result.acc95_m)]
    return tags


def _sexagesimal(degrees: float) -> list[Fraction]:
    """Degrees, minutes and seconds, rounded once."""
    parts = round(abs(degrees) * 3600 * _ARCSECOND_PARTS)
    minutes, rest = divmod(parts, 60 * _ARCSECOND_PARTS)
    return [Fraction(minutes // 60), Fraction(minutes % 60), Fraction(rest, _ARCSECOND_PARTS)]


def _thousandths(value: float) -> Fraction:
    return Fraction(round(value * 1000), 1000)


def _dji_angles(result: PhotoResult) -> dict[XmpName, str]:
    """The gimbal's angles; none where no camera was solved."""
    solved = solved_camera(result)
    if solved is None:
        return {}
    pose = solved.pose
    yaw_deg = (pose.yaw_deg + 180) % 360 - 180
    angles = {"Yaw": yaw_deg, "Pitch": pose.pitch_deg, "Roll": pose.roll_deg}
    return {(DJI, f"Gimbal{axis}Degree"): f"{angle:+.4f}" for axis, angle in angles.items()}


def _pix4d_angles(result: PhotoResult) -> dict[XmpName, str]:
    """The body's angles; none where no camera was solved."""
    solved = solved_camera(result)
    if solved is None:
        return {}
    angles = zip(("Yaw", "Pitch", "Roll"), body_angles(rotation(solved.pose)), strict=True)
    return {(CAMERA[0], axis): f"{angle:.4f}" for axis, angle in angles}


def _accuracies(result: PhotoResult) -> dict[XmpName, str]:
    """Standard deviations, where Pix4D and OpenDroneMap look for them."""
    known = {"GPSXYAccuracy": horizontal_sd_m(result), "GPSZAccuracy": result.height_sd_m}
    return {(CAMERA[0], name): f"{value:.3f}" for name, value in known.items() if value is not None}


def _positions(result: PhotoResult) -> dict[XmpName, str]:
    """Every other name under which programs keep a position in XMP."""
    lon, lat = result.longitude, result.latitude
    assert lon is not None
    assert lat is not None
    values = {
        (EXIF, "GPSLatitude"): _degrees_minutes(lat, "NS"),
        (EXIF, "GPSLongitude"): _degrees_minutes(lon, "EW"),
    }
    for name, degrees in (("Latitude", lat), ("Longitude", lon), ("Longtitude", lon)):
        values[DJI, f"Gps{name}"] = values[DJI, name] = f"{degrees:+.9f}"
    if (sd := horizontal_sd_m(result)) is not None:
        values[DJI, "RtkStdLon"] = values[DJI, "RtkStdLat"] = f"{sd:.3f}"
    if result.height_sd_m is not None:
        values[DJI, "RtkStdHgt"] = f"{result.height_sd_m:.3f}"
    if result.altitude_m is not None:
        values[DJI, "AbsoluteAltitude"] = f"{result.altitude_m:+.3f}"
        values[EXIF, "GPSAltitude"] = f"{round(abs(result.altitude_m) * 1000)}/1000"
        values[EXIF, "GPSAltitudeRef"] = str(int(result.altitude_m < 0))
    if result.heading is not None:
        values[EXIF, "GPSImgDirection"] = f"{round(result.heading * 1000) % 360_000}/1000"
        values[EXIF, "GPSImgDirectionRef"] = "T"
        values[GPANO, "PoseHeadingDegrees"] = f"{result.heading % 360:.4f}"
    return values


def _degrees_minutes(degrees: float, hemispheres: str) -> str:
    """XMP's own notation, such as ``23,59.2592593N``."""
    whole, rest = divmod(round(abs(degrees) * 60 * 10**7), 60 * 10**7)
    return f"{whole},{rest / 10**7:.7f}{hemispheres[degrees < 0]}"
