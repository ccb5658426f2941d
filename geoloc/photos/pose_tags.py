"""Pose tags of EXIF and XMP: position, height and angles of the camera, and which can be trusted.

The rules, in the order in which a value is looked for (the first that makes sense wins):

* Position: EXIF GPS, then its copy in XMP, then DJI XMP. (0, 0) is what receivers without a fix
  write: rejected. A missing hemisphere is taken as north or east, as QGIS does, and noted.
* Height above the take-off point: DJI XMP. It is not the height above the ground under the photo.
* Yaw: the gimbal (DJI XMP), the camera (Pix4D or senseFly XMP), the panorama's heading (GPano),
  the direction of EXIF GPS, and last the airframe (DJI FlightYaw), for the camera may look
  elsewhere. Pitch and roll: gimbal, camera or panorama, never the airframe.
* A DJI gimbal whose yaw, pitch and roll are all exactly 0 was not measured (Mavic Mini).
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import ExifTags

from geoloc.geometry.longitude import FARTHEST_DEG, in_range
from geoloc.photos.exif import Exif, coordinate, number, text
from geoloc.photos.metadata import MetadataBuilder, YawRef
from geoloc.photos.xmp import CAMERA, DJI, GPANO, Xmp, xmp_coordinate, xmp_number, xmp_value
from geoloc.photos.xmp import EXIF as EXIF_XMP

_AXES = ("Yaw", "Pitch", "Roll")


def read_position(exif: Exif, xmp: Xmp, found: MetadataBuilder) -> None:
    """Find where the camera was, and how high."""
    tags = ExifTags.GPS
    lat, lat_signed = coordinate(exif.gps, tags.GPSLatitude, tags.GPSLatitudeRef, "S")
    lon, lon_signed = coordinate(exif.gps, tags.GPSLongitude, tags.GPSLongitudeRef, "W")
    if _keep_position(lon, lat, "EXIF GPS", found) and not (lat_signed and lon_signed):
        found.notes.append("EXIF GPS lacks a hemisphere: taken as north and east")
    lon, lat = (
        xmp_coordinate(xmp_value(xmp, EXIF_XMP, tag)) for tag in ("GPSLongitude", "GPSLatitude")
    )
    _keep_position(lon, lat, "XMP exif:GPS", found)
    lon = xmp_number(xmp, DJI, "GpsLongitude")
    lon = xmp_number(xmp, DJI, "GpsLongtitude") if lon is None else lon  # DJI's own spelling, once
    _keep_position(lon, xmp_number(xmp, DJI, "GpsLatitude"), "DJI XMP", found)
    _read_heights(exif, xmp, found)


def _read_heights(exif: Exif, xmp: Xmp, found: MetadataBuilder) -> None:
    tags = ExifTags.GPS
    altitude_m = number(exif.gps.get(tags.GPSAltitude))
    ref = exif.gps.get(tags.GPSAltitudeRef)
    below = ref in (1, 3, b"\x01", b"\x03", "1", "3")  # 2 and 3: of the ellipsoid, EXIF 3.0
    if altitude_m is not None and below:
        altitude_m = -abs(altitude_m)
    limits = (-1000.0, 100_000.0)
    found.keep_within("altitude_m", altitude_m, "EXIF GPSAltitude", limits=limits)
    absolute_m = xmp_number(xmp, DJI, "AbsoluteAltitude")
    found.keep_within("altitude_m", absolute_m, "DJI AbsoluteAltitude", limits=limits)
    relative_m = xmp_number(xmp, DJI, "RelativeAltitude")
    if relative_m is not None and relative_m <= 0:
        found.notes.append(f"DJI RelativeAltitude {relative_m:g} is not above ground: ignored")
        return
    limits = (0.0, 20_000.0)
    found.keep_within("rel_alt_m", relative_m, "DJI RelativeAltitude", limits=limits)


def _keep_position(
    lon: float | None, lat: float | None, source: str, found: MetadataBuilder
) -> bool:
    """Keep a position that makes sense; whether it was kept now."""
    if lon is None or lat is None or "lon" in found.values:
        return False
    if abs(lon) > FARTHEST_DEG or abs(lat) > 90:
        found.notes.append(f"{source} position {lat:g}, {lon:g} is not on Earth: ignored")
        return False
    if abs(lon) < 1e-6 and abs(lat) < 1e-6:
        found.notes.append(f"{source} position is 0, 0, so the receiver had no fix: ignored")
        return False
    found.keep("lon", float(in_range(lon)), source)
    found.keep("lat", lat, source)
    return True


def read_angles(exif: Exif, xmp: Xmp, found: MetadataBuilder) -> None:
    """Find where the camera looked."""
    gimbal = {axis: xmp_number(xmp, DJI, f"Gimbal{axis}Degree") for axis in _AXES}
    if _is_unset(gimbal):
        found.notes.append("the DJI gimbal states 0 for yaw, pitch and roll, which means unset")
        gimbal = {}
    _keep_angles(gimbal, "DJI Gimbal{}Degree", found)
    _keep_angles(_pix4d_angles(xmp, found), "XMP Camera:{}", found)
    _keep_yaw(xmp_number(xmp, GPANO, "PoseHeadingDegrees"), "GPano PoseHeadingDegrees", found)
    tags = ExifTags.GPS
    ref = (text(exif.gps.get(tags.GPSImgDirectionRef)) or "").upper()[:1]
    named: YawRef | None = {"T": "true", "M": "magnetic"}.get(ref)  # type: ignore[assignment]
    direction = number(exif.gps.get(tags.GPSImgDirection))
    _keep_yaw(direction, "EXIF GPSImgDirection", found, ref=named)
    flight = {axis: xmp_number(xmp, DJI, f"Flight{axis}Degree") for axis in _AXES}
    if "yaw_deg" not in found.values and flight["Yaw"] is not None and not _is_unset(flight):
        _keep_yaw(flight["Yaw"], "DJI FlightYawDegree", found)
        found.notes.append("the yaw is the airframe's: the camera may look elsewhere")


def _is_unset(angles: Mapping[str, float | None]) -> bool:
    """Whether yaw and pitch, and roll where there is one, are all exactly zero."""
    yaw, pitch, roll = angles["Yaw"], angles["Pitch"], angles["Roll"]
    return yaw == 0 and pitch == 0 and roll in (0, None)


def _keep_angles(angles: Mapping[str, float | None], source: str, found: MetadataBuilder) -> None:
    _keep_yaw(angles.get("Yaw"), source.format("Yaw"), found)
    for name, axis in (("pitch_deg", "Pitch"), ("roll_deg", "Roll")):
        value, tag = angles.get(axis), source.format(axis)
        found.keep_within(name, value, tag, limits=(-180.0, 180.0))


def _keep_yaw(
    yaw_deg: float | None, source: str, found: MetadataBuilder, *, ref: YawRef | None = None
) -> None:
    if yaw_deg is None or "yaw_deg" in found.values:
        return
    if abs(yaw_deg) > 720:
        found.notes.append(f"{source} {yaw_deg:g} is no angle: ignored")
        return
    found.keep("yaw_deg", yaw_deg % 360, source)
    found.keep("yaw_ref", ref, source)
    found.keep("yaw_source", source, source)


def _pix4d_angles(xmp: Xmp, found: MetadataBuilder) -> dict[str, float | None]:
    """Angles of the ``Camera`` namespace, whose pitch is 0 at the nadir, as DJI counts them."""
    for namespace in CAMERA:
        angles = {axis: xmp_number(xmp, namespace, axis) for axis in _AXES}
        if any(value is not None for value in angles.values()):
            pitch = angles["Pitch"]
            return {**angles, "Pitch": None if pitch is None else pitch - 90}
    return {}
