"""Fabricated photos: pixels that tell where they are, and metadata as cameras write it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from geoloc.metadata import PhotoMetadata
from geoloc.metadata_reading import read_metadata

WIDTH_PX, HEIGHT_PX = 64, 48

DJI = "http://www.dji.com/drone-dji/1.0/"
GPANO = "http://ns.google.com/photos/1.0/panorama/"
PIX4D = "http://pix4d.com/camera/1.0"
SENSEFLY = "http://ns.sensefly.com/Camera/1.0/"

# As a Mavic Mini writes it: the gimbal is all zero, the airframe is not.
MAVIC_MINI = {
    "AbsoluteAltitude": "+375.62",
    "RelativeAltitude": "+119.70",
    "GimbalRollDegree": "+0.00",
    "GimbalYawDegree": "+0.00",
    "GimbalPitchDegree": "+0.00",
    "FlightRollDegree": "-3.90",
    "FlightYawDegree": "+152.10",
    "FlightPitchDegree": "+3.10",
}


def coordinates(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) uint8 whose red is their column and whose green is their row, in shares."""
    rows, columns = np.mgrid[:height_px, :width_px]
    return np.stack(
        [columns * 255 // (width_px - 1), rows * 255 // (height_px - 1), np.full_like(rows, 40)], -1
    ).astype(np.uint8)


def xmp(values: Mapping[str, str], *, namespace: str, elements: bool = False) -> bytes:
    """A packet that says the values as attributes, or as elements."""
    attributes = "" if elements else " ".join(f'n:{k}="{v}"' for k, v in values.items())
    inside = "".join(f"<n:{k}>{v}</n:{k}>" for k, v in values.items()) if elements else ""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:n="{namespace}" {attributes}>{inside}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def exif(
    main: Mapping[int, Any] | None = None,
    photo: Mapping[int, Any] | None = None,
    gps: Mapping[int, Any] | None = None,
) -> Image.Exif:
    """EXIF with these tags in its three directories."""
    tags = Image.Exif()
    for tag, value in (main or {}).items():
        tags[tag] = value
    tags.get_ifd(ExifTags.IFD.Exif).update(photo or {})
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    return tags


def gps(lat: tuple[float, ...], lon: tuple[float, ...], **refs: str) -> dict[int, Any]:
    """A GPS directory; ``lat_ref`` and ``lon_ref`` are left out when they are not given."""
    tags: dict[int, Any] = {ExifTags.GPS.GPSLatitude: lat, ExifTags.GPS.GPSLongitude: lon}
    if "lat_ref" in refs:
        tags[ExifTags.GPS.GPSLatitudeRef] = refs["lat_ref"]
    if "lon_ref" in refs:
        tags[ExifTags.GPS.GPSLongitudeRef] = refs["lon_ref"]
    return tags


def write_photo(
    path: Path, *, pixels: NDArray[np.uint8] | None = None, mode: str = "RGB", **how: Any
) -> Path:
    """A photo at `path`, in the format of its extension; `how` goes to Pillow (exif, xmp ...)."""
    image = Image.fromarray(coordinates() if pixels is None else pixels).convert(mode)
    if path.suffix == ".jpg":
        how = {"quality": 95, "subsampling": 0, **how}
    image.save(path, **how)
    return path


def said_by_photo(folder: Path, **how: Any) -> PhotoMetadata:
    """What geoloc reads back from a photo that `write_photo` writes so."""
    return read_metadata(write_photo(folder / "photo.jpg", **how))


def said_by_dji(folder: Path, values: Mapping[str, str], **how: Any) -> PhotoMetadata:
    """The same of a photo with these values in DJI's XMP."""
    return said_by_photo(folder, xmp=xmp(values, namespace=DJI, **how))
