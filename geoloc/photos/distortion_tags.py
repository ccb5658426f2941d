"""Distortion tags of XMP: what a lens does to a pinhole's picture, and its calibrated focal length.

DJI states the coefficients of photos that the camera did not correct itself (``DewarpData``, where
``DewarpFlag`` is not 1); Pix4D and senseFly those of a perspective or a fisheye lens. The principal
point is left in the middle of the photo: a few pixels off it are as good as a tilt.
"""

from __future__ import annotations

import math

from PIL import ExifTags

from geoloc.geometry.lens import BrownLens, FisheyeLens, Lens, distortion_text, turned
from geoloc.image_size import ImageSize
from geoloc.photos.exif import Exif, number
from geoloc.photos.metadata import MetadataBuilder
from geoloc.photos.xmp import CAMERA, DJI, Xmp, xmp_number, xmp_value

# Coefficients beyond this are those of no lens; of a focal length in long sides as well.
_LARGEST = 5.0
_FOCAL_SIDES = (0.1, 10.0)
_RADIANS_A_TURN = 2 / math.pi


def read_distortion(upright: ImageSize, exif: Exif, xmp: Xmp, found: MetadataBuilder) -> None:
    """Find the distortion of the lens, and the field of view that goes with it."""
    base = ExifTags.Base
    width = number(exif.photo.get(base.ExifImageWidth)) or 0.0
    height = number(exif.photo.get(base.ExifImageHeight)) or 0.0
    long_px = max(width, height) or float(max(upright))
    for read, source in ((_of_dji, "DJI DewarpData"), (_of_pix4d, "XMP Camera distortion")):
        lens_and_focal = read(exif, xmp, found)
        if lens_and_focal is None:
            continue
        lens, focal_px = lens_and_focal
        if not _FOCAL_SIDES[0] < focal_px / long_px < _FOCAL_SIDES[1] or not _makes_sense(lens):
            found.notes.append(f"{source} makes no sense for this photo: ignored")
            continue
        upright_lens = turned(lens, found.values.get("rotation_deg", 0))
        hfov_deg = 2 * math.degrees(
            math.atan(upright.width_px / max(upright) * long_px / 2 / focal_px)
        )
        found.keep("distortion", distortion_text(upright_lens), source)
        found.keep("hfov_deg", hfov_deg, source)
        return


def _of_dji(_: Exif, xmp: Xmp, found: MetadataBuilder) -> tuple[Lens, float] | None:
    """Lens and focal length in pixels, from DJI's ``date;fx,fy,cx,cy,k1,k2,p1,p2,k3``."""
    numbers = _numbers((xmp_value(xmp, DJI, "DewarpData") or "").rpartition(";")[2])
    if numbers is None or len(numbers) != 9:
        return None
    if xmp_number(xmp, DJI, "DewarpFlag") == 1:
        found.notes.append("the drone has corrected the distortion of the lens itself")
        return None
    fx, fy, _cx, _cy, k1, k2, p1, p2, k3 = numbers
    return BrownLens(k1, k2, k3, p1, p2), (fx + fy) / 2


def _of_pix4d(exif: Exif, xmp: Xmp, _: MetadataBuilder) -> tuple[Lens, float] | None:
    """Lens and focal length in pixels, from the ``Camera`` namespace of Pix4D."""
    for namespace in CAMERA:
        kind = (xmp_value(xmp, namespace, "ModelType") or "perspective").lower()
        if kind == "fisheye" and (fisheye := _fisheye(xmp, namespace)) is not None:
            return fisheye
        bends = _numbers(xmp_value(xmp, namespace, "PerspectiveDistortion"))
        focal_mm = xmp_number(xmp, namespace, "PerspectiveFocalLength")
        per_mm = _pixels_per_mm(exif)
        if bends and len(bends) == 5 and focal_mm and per_mm:
            k1, k2, k3, p1, p2 = bends
            return BrownLens(k1, k2, k3, p1, p2), focal_mm * per_mm
    return None


def _fisheye(xmp: Xmp, namespace: str) -> tuple[Lens, float] | None:
    """Lens and focal length of a fisheye."""
    bends = _numbers(xmp_value(xmp, namespace, "FisheyePolynomial"))
    affine = _numbers(xmp_value(xmp, namespace, "FisheyeAffineMatrix"))
    if not bends or not affine or len(affine) != 4 or affine[0] <= 0:
        return None
    # 0 and 1 stand before the others where all are stated.
    q2, q3, q4 = ((bends[2:] if bends[:2] == [0.0, 1.0] else bends) + [0.0] * 3)[:3]
    focal_px = (affine[0] + affine[3]) / 2 * _RADIANS_A_TURN
    c, d, e, f = (one / focal_px for one in affine)
    return FisheyeLens(q2, q3, q4, (c, d, e, f)), focal_px


def _pixels_per_mm(exif: Exif) -> float | None:
    base = ExifTags.Base
    per_unit = number(exif.photo.get(base.FocalPlaneXResolution))
    unit = exif.photo.get(base.FocalPlaneResolutionUnit, 2)
    unit_mm = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(unit if isinstance(unit, int) else 2)
    return per_unit / unit_mm if per_unit and per_unit > 0 and unit_mm else None


def _numbers(text: str | None) -> list[float] | None:
    """The numbers of a list with commas; None where one is none."""
    found = [number(part.strip()) for part in (text or "").split(",")]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def _makes_sense(lens: Lens) -> bool:
    values = vars(lens).values()
    return all(abs(one) < _LARGEST for one in values if isinstance(one, float))
