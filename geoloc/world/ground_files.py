"""Ground photos and tiles as files: what street cameras and map makers write."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import ExifTags, Image

from geoloc.crs import LonLat
from geoloc.world.files import GROUND_ELEVATION_M, JPEG_QUALITY, write_gps
from geoloc.world.panorama import Ring
from geoloc.world.shade import Bytes

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"
   GPano:UsePanoramaViewer="True"
   GPano:ProjectionType="equirectangular"
   GPano:PoseHeadingDegrees="{heading:.2f}"
   GPano:PosePitchDegrees="0.0"
   GPano:PoseRollDegrees="0.0"
   GPano:FullPanoWidthPixels="{full_width}"
   GPano:FullPanoHeightPixels="{full_height}"
   GPano:CroppedAreaImageWidthPixels="{width}"
   GPano:CroppedAreaImageHeightPixels="{height}"
   GPano:CroppedAreaLeftPixels="0"
   GPano:CroppedAreaTopPixels="{top}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def write_panorama(pixels: Bytes, ring: Ring, position: LonLat, path: str | Path) -> None:
    """Write a panorama (height, width, 3) as JPEG with its position, heading and span (GPano).

    GPano knows one scale for both axes: the ring has as many pixels a degree up as around.
    """
    packet = _XMP.format(
        heading=ring.heading_deg % 360,
        full_width=ring.width_px,
        full_height=ring.width_px // 2,
        width=ring.width_px,
        height=ring.height_px,
        top=round((90 - ring.top_deg) / 360 * ring.width_px),
    )
    _write_jpeg(pixels, path, _exif(position), packet.encode())


def write_street_photo(pixels: Bytes, focal_35mm: int, position: LonLat, path: str | Path) -> None:
    """Write a perspective photo (height, width, 3) as JPEG with position and focal length."""
    exif = _exif(position)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = focal_35mm
    _write_jpeg(pixels, path, exif, None)


def write_tile(pixels: Bytes, path: str | Path) -> None:
    """Write a tile (height, width, 3), lossless."""
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    Image.fromarray(pixels).save(part, "PNG", compress_level=3)
    part.replace(target)


def street_focal_px(focal_35mm: int, width_px: int, height_px: int) -> float:
    """Focal length in pixels; the 35 mm equivalent is a matter of diagonals."""
    return focal_35mm * math.hypot(width_px, height_px) / math.hypot(36.0, 24.0)


def _exif(position: LonLat) -> Image.Exif:
    """EXIF that tells where, and nothing of where to."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    write_gps(exif, position, GROUND_ELEVATION_M)
    return exif


def _write_jpeg(pixels: Bytes, path: str | Path, exif: Image.Exif, xmp: bytes | None) -> None:
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    extra = {"xmp": xmp} if xmp else {}
    image = Image.fromarray(pixels)
    image.save(part, "JPEG", quality=JPEG_QUALITY, exif=exif.tobytes(), **extra)
    part.replace(target)
