"""Lens tags of EXIF and XMP: the field of view of a photo, or the frame of a panorama.

Field of view: DJI's calibrated focal length; the 35 mm equivalent; focal length and focal plane
resolution; the first that makes sense wins. The 35 mm equivalent is a matter of diagonals (CIPA
DCG-001), and the diagonal is the sensor's: a photo of 4:3 to 3:2 is taken as the whole sensor, a
wider or narrower one as cut from a 4:3 sensor along one side, as drones and phones do it. It is
taken to include a digital zoom.
"""

from __future__ import annotations

import math

from PIL import ExifTags

from geoloc.geometry.panorama import Panorama
from geoloc.image_size import ImageSize
from geoloc.photos.exif import Exif, number
from geoloc.photos.metadata import MetadataBuilder
from geoloc.photos.xmp import DJI, GPANO, Xmp, xmp_number, xmp_value

# Diagonal of the 36 x 24 mm frame, which a 35 mm equivalent refers to.
_DIAGONAL_35MM = math.hypot(36.0, 24.0)


def hfov_of_equivalent(focal_35mm: float, upright: ImageSize) -> float:
    """The angle in degrees across a photo's width, from its 35 mm equivalent focal length.

    Args:
        focal_35mm: The 35 mm equivalent focal length, in millimetres.
        upright: Size of the upright photo, or of a video's frame.
    """
    return _hfov_deg(focal_35mm / _long_side_35mm(upright), upright)


def read_panorama(upright: ImageSize, xmp: Xmp, found: MetadataBuilder) -> None:
    """Find whether the photo is a panorama, and its frame; its heading was found before."""
    kind = (xmp_value(xmp, GPANO, "ProjectionType") or "").lower()
    if kind not in ("", "equirectangular"):
        found.notes.append(f"GPano projection {kind[:30]!r} is not known: taken as perspective")
    if kind != "equirectangular":
        found.keep("projection", "perspective", "no GPano")
        return
    found.keep("projection", "equirectangular", "GPano ProjectionType")
    panorama = _panorama(upright, xmp, heading_deg=found.values.get("yaw_deg", 0.0))
    found.keep("panorama", panorama, "GPano")
    found.keep("hfov_deg", 360 * upright.width_px / panorama.full_width_px, "GPano")


def _panorama(upright: ImageSize, xmp: Xmp, *, heading_deg: float) -> Panorama:
    """The frame of a panorama in pixels of this file, which may have been resized since."""
    width, height = upright.width_px, upright.height_px
    stored_px = xmp_number(xmp, GPANO, "CroppedAreaImageWidthPixels") or width
    factor = width / stored_px if stored_px > 0 else 1.0
    full_width = round((xmp_number(xmp, GPANO, "FullPanoWidthPixels") or stored_px) * factor)
    whole_px = xmp_number(xmp, GPANO, "FullPanoHeightPixels") or full_width / 2 / factor
    full_height = round(whole_px * factor)
    left = round((xmp_number(xmp, GPANO, "CroppedAreaLeftPixels") or 0) * factor)
    top = round((xmp_number(xmp, GPANO, "CroppedAreaTopPixels") or 0) * factor)
    return Panorama(
        min(max(full_width, width), 64 * width),
        min(max(full_height, height), 64 * height),
        min(max(left, 0), 64 * width),
        min(max(top, 0), 64 * height),
        heading_deg=heading_deg,
        pitch_deg=xmp_number(xmp, GPANO, "PosePitchDegrees") or 0.0,
        roll_deg=xmp_number(xmp, GPANO, "PoseRollDegrees") or 0.0,
    )


def read_lens(upright: ImageSize, exif: Exif, xmp: Xmp, found: MetadataBuilder) -> None:
    """Find the field of view; the projection was found before."""
    base = ExifTags.Base
    equivalent_mm = number(exif.photo.get(base.FocalLengthIn35mmFilm)) or None  # 0 is unknown
    source = "EXIF FocalLengthIn35mmFilm"
    found.keep_within("focal_35mm", equivalent_mm, source, limits=(1.0, 5000.0))
    zoom = number(exif.photo.get(base.DigitalZoomRatio)) or 1.0
    if zoom > 1.001:
        found.notes.append(f"digital zoom {zoom:g}: taken as part of the 35 mm focal length")
    if found.values["projection"] == "equirectangular":
        return
    exposed = _exposed_sides(upright, exif)
    if _is_cut(upright, exposed):
        found.notes.append("the photo was cut after exposure: its field of view is not known")
        return
    long_px = max(exposed)
    calibrated = xmp_number(xmp, DJI, "CalibratedFocalLength")
    _keep_focal(calibrated and calibrated / long_px, "DJI CalibratedFocalLength", upright, found)
    equivalent_mm = found.values.get("focal_35mm")
    sides = equivalent_mm and equivalent_mm / _long_side_35mm(upright)
    _keep_focal(sides, "EXIF FocalLengthIn35mmFilm", upright, found)
    _keep_focal(_focal_of_plane(long_px, exif), "EXIF FocalPlaneXResolution", upright, found)


def _keep_focal(
    focal_sides: float | None, source: str, upright: ImageSize, found: MetadataBuilder
) -> None:
    """Keep the field of view of a focal length given in long sides of the photo."""
    if focal_sides is None or "hfov_deg" in found.values:
        return
    if not 0.1 < focal_sides < 100:
        found.notes.append(f"{source} makes no sense for this photo: ignored")
        return
    found.keep("hfov_deg", _hfov_deg(focal_sides, upright), source)


def _hfov_deg(focal_sides: float, upright: ImageSize) -> float:
    """The angle across the width, from a focal length in long sides."""
    return math.degrees(2 * math.atan(upright.width_px / max(upright) / 2 / focal_sides))


def _long_side_35mm(upright: ImageSize) -> float:
    """Millimetres that the long side of a photo spans on a frame of the same diagonal."""
    long_px, short_px = max(upright), min(upright)
    aspect = long_px / short_px
    if 1.32 <= aspect <= 1.52:
        return _DIAGONAL_35MM * aspect / math.hypot(aspect, 1)
    # Cut from 4:3 (a 3-4-5 triangle): wide photos keep the long side, square ones the short one.
    return _DIAGONAL_35MM * (0.8 if aspect > 1.4 else 0.6 * aspect)


def _exposed_sides(upright: ImageSize, exif: Exif) -> tuple[float, float]:
    """Sides of the photo when it was taken, in any order: the file's unless EXIF states others."""
    base = ExifTags.Base
    width = number(exif.photo.get(base.ExifImageWidth))
    height = number(exif.photo.get(base.ExifImageHeight))
    return (width, height) if width and height and min(width, height) > 0 else upright


def _is_cut(upright: ImageSize, exposed: tuple[float, float]) -> bool:
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
