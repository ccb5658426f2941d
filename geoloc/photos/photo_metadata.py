"""Read the metadata of a photo file: position, direction and lens from EXIF and XMP."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image

from geoloc.errors import PhotoError
from geoloc.image_size import ImageSize
from geoloc.photos.distortion_tags import read_distortion
from geoloc.photos.exif import Exif, iso_time, read_exif, text
from geoloc.photos.image_file import open_image, upright_size
from geoloc.photos.lens_tags import read_lens, read_panorama
from geoloc.photos.metadata import MetadataBuilder, PhotoMetadata
from geoloc.photos.pose_tags import read_angles, read_position
from geoloc.photos.xmp import Xmp, XmpError, find_packet, parse_xmp

_HEAD_BYTES = 2**20
# Clockwise turns, after any mirroring, that bring a photo upright (EXIF 2.32, table 6).
_TURNS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}


def read_metadata(path: str | Path) -> PhotoMetadata:
    """Metadata of a photo file; its pixels are not decoded.

    Nothing in the file raises: what cannot be read is None, and a note tells why.

    Raises:
        PhotoError: There is no such file.
    """
    return _read_file(Path(path)).metadata()


def read_metadata_with_tags(path: str | Path) -> dict[str, str]:
    """Metadata of a photo as text, with the tag of each: ``{"yaw_deg": "152.1 (DJI ...)"}``.

    Raises:
        PhotoError: There is no such file.
    """
    found = _read_file(Path(path))
    stated = {
        name: f"{_shown(value)} ({found.sources[name]})"
        for name, value in found.values.items()
        if name != "yaw_source"
    }
    return {**stated, **{f"note {i}": note for i, note in enumerate(found.notes, 1)}}


def read_image_metadata(image: Image.Image, path: Path) -> PhotoMetadata:
    """Metadata of an image that was just opened from `path`, for a caller who decodes it next."""
    return _read_image(image, head=_head(path)).metadata()


def _read_file(path: Path) -> MetadataBuilder:
    try:
        with open_image(path) as image:
            return _read_image(image, head=_head(path))
    except PhotoError as error:
        if not path.is_file():
            raise
        return MetadataBuilder(notes=[str(error)])


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _read_image(image: Image.Image, *, head: bytes) -> MetadataBuilder:
    exif = read_exif(image)
    found = MetadataBuilder(notes=list(exif.notes))
    xmp = _read_xmp(image, exif, head, found)
    upright = _read_frame(image, exif, found)
    read_position(exif, xmp, found)
    read_angles(exif, xmp, found)
    read_panorama(upright, xmp, found)
    read_distortion(upright, exif, xmp, found)
    read_lens(upright, exif, xmp, found)
    return found


def _read_xmp(image: Image.Image, exif: Exif, head: bytes, found: MetadataBuilder) -> Xmp:
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
        found.notes.append(str(error))
        return {}


def _read_frame(image: Image.Image, exif: Exif, found: MetadataBuilder) -> ImageSize:
    """Orientation, device and time; returns the size of the upright photo."""
    base = ExifTags.Base
    stored = exif.main.get(base.Orientation)
    if stored is not None and (not isinstance(stored, int) or stored not in _TURNS):
        found.notes.append(f"EXIF Orientation {str(stored)[:20]} is none of 1 to 8: ignored")
        stored = None
    found.keep("orientation", stored, "EXIF Orientation")
    found.keep("rotation_deg", _TURNS[stored or 1], "EXIF Orientation")
    found.keep("make", text(exif.main.get(base.Make)), "EXIF Make")
    found.keep("model", text(exif.main.get(base.Model)), "EXIF Model")
    found.keep("timestamp", *iso_time(exif))
    return upright_size(image, stored)


def _shown(value: object) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
