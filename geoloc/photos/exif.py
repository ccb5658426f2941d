"""Read EXIF tags as plain values; what is missing or makes no sense becomes None.

The files are third-party: any tag may be damaged, of another type, or a lie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import ExifTags, Image

from geoloc.csv_table import parse_number
from geoloc.photos.image_file import DECODER_ERRORS
from geoloc.photos.timestamp import iso_timestamp

Tags = Mapping[int, Any]

_LENGTH_WITHOUT_ZONE = len("2024:10:30 10:05:15")
_BLANKS = "\0 \t\r\n"


@dataclass(frozen=True)
class Exif:
    """EXIF of one image: the three directories about where and how it was taken.

    Attributes:
        main: Tags of the image directory (make, model, orientation).
        photo: Tags of the exposure directory (focal length, time).
        gps: Tags of the GPS directory.
        notes: Directories that could not be read, one sentence each.
    """

    main: Tags = field(default_factory=dict)
    photo: Tags = field(default_factory=dict)
    gps: Tags = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_exif(image: Image.Image) -> Exif:
    """The EXIF of an open image; directories that cannot be read are empty and noted."""
    try:
        exif = image.getexif()
        main = dict(exif)
    except DECODER_ERRORS:
        return Exif(notes=("EXIF is damaged: not read",))
    notes: list[str] = []
    directories: list[Tags] = []
    for name, offset in (("EXIF", ExifTags.IFD.Exif), ("GPS", ExifTags.IFD.GPSInfo)):
        try:
            directories.append(dict(exif.get_ifd(offset)))
        except DECODER_ERRORS:
            directories.append({})
            notes.append(f"the {name} directory is damaged: not read")
    return Exif(main, directories[0], directories[1], tuple(notes))


def number(value: object) -> float | None:
    """A finite number out of a tag or a text; None for anything else.

    Takes rationals (0/0 is None), signs, padding and decimal commas; no units.
    """
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        value = value.strip(_BLANKS)
        numerator, slash, denominator = value.partition("/")
        if slash:
            above, below = number(numerator), number(denominator)
            return above / below if above is not None and below else None
    try:
        # Whatever it is, float raises TypeError where it is no number.
        result = parse_number(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return result if math.isfinite(result) else None


def text(value: object) -> str | None:
    """A text tag without its padding; None where there is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return " ".join(value.split("\0")[0].split()) or None


def degrees(value: object) -> float | None:
    """Decimal degrees out of degrees, minutes and seconds, of which the last may be missing.

    A missing or 0/0 second counts as zero, a missing degree makes the whole None.
    """
    parts = value if isinstance(value, tuple | list) else (value,)
    if not 1 <= len(parts) <= 3 or (whole := number(parts[0])) is None:
        return None
    rest = [number(part) or 0.0 for part in parts[1:]]
    if any(not 0 <= part < 60.001 for part in rest):
        return None
    size = abs(whole) + sum(part / 60 ** (i + 1) for i, part in enumerate(rest))
    return math.copysign(size, whole)


def coordinate(gps: Tags, tag: int, ref_tag: int, negative: str) -> tuple[float | None, bool]:
    """A signed GPS coordinate in degrees, and whether its hemisphere was stated."""
    size = degrees(gps.get(tag))
    ref = (text(gps.get(ref_tag)) or "").upper()
    if size is not None and ref[:1] == negative:
        size = -abs(size)
    return size, bool(ref)


def iso_time(exif: Exif) -> tuple[str | None, str]:
    """When the photo was taken, as ISO 8601 with the offset where stated; and the tag's name."""
    base = ExifTags.Base
    for name, tags, tag, offset_tag in (
        ("DateTimeOriginal", exif.photo, base.DateTimeOriginal, base.OffsetTimeOriginal),
        ("DateTimeDigitized", exif.photo, base.DateTimeDigitized, base.OffsetTimeDigitized),
        ("DateTime", exif.main, base.DateTime, base.OffsetTime),
    ):
        moment = _moment(text(tags.get(tag)) or "")
        if moment is None:
            continue
        offset = text(exif.photo.get(offset_tag)) or ""
        states_zone = len(moment) > _LENGTH_WITHOUT_ZONE and moment[-6] in "+-"
        return moment + (offset if _is_offset(offset) and not states_zone else ""), f"EXIF {name}"
    return None, ""


def _moment(stamp: str) -> str | None:
    """A time tag as ISO 8601; whatever follows the seconds may be nonsense."""
    if ":" not in stamp[len("2024:10:30") :]:  # a day alone
        return None
    for written in (stamp, stamp[:_LENGTH_WITHOUT_ZONE]):
        try:
            return iso_timestamp(written)
        except ValueError:
            continue
    return None


def _is_offset(offset: str) -> bool:
    return offset == "Z" or re.fullmatch(r"[+-][01]\d:[0-5]\d", offset) is not None
