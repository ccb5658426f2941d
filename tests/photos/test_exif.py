from __future__ import annotations

import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from geoloc.photos.exif import Exif, degrees, iso_time, number, read_exif, text
from geoloc.photos.xmp import xmp_coordinate

RATIONAL = TiffImagePlugin.IFDRational


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+119.70", 119.7),
        ("-3,5", -3.5),
        ("12\0\0", 12.0),
        (b"7", 7.0),
        ("10/4", 2.5),
        (RATIONAL(1, 8), 0.125),
        ((5,), 5.0),
        ("0/0", None),
        (RATIONAL(0, 0), None),
        (float("nan"), None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("119.7 m", None),
        ("1_000", None),
        ("", None),
        (None, None),
        ((1, 2), None),
    ],
)
def test_only_finite_numbers_come_out(written, expected):
    assert number(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("DJI\0junk", "DJI"), (b" FC \0", "FC"), ("\0", None), (7, None)]
)
def test_texts_lose_their_padding(written, expected):
    assert text(written) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [((24, 30, 0), 24.5), ((24.5,), 24.5), (-24.5, -24.5), ((24, 30, RATIONAL(0, 0)), 24.5)],
)
def test_degrees_add_up(parts, expected):
    assert degrees(parts) == pytest.approx(expected)


@pytest.mark.parametrize("parts", [(), (1, 2, 3, 4), (RATIONAL(0, 0), 1, 1), (1, 61, 0), "x"])
def test_senseless_degrees_are_none(parts):
    assert degrees(parts) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [("51,30.0N", 51.5), ("0,4,12W", -0.07), ("51.5", None), (None, None), ("51,99N", None)],
)
def test_xmp_coordinates_have_their_own_notation(written, expected):
    assert xmp_coordinate(written) == (None if expected is None else pytest.approx(expected))


def test_damaged_exif_is_noted():
    image = Image.new("RGB", (4, 4))
    image.info["exif"] = b"Exif\0\0II*\0\xff\xff\xff"
    assert read_exif(image).notes or read_exif(image).main == {}


@pytest.mark.parametrize(
    ("stamp", "offset", "expected"),
    [
        ("2024:10:30 10:05:15", "", "2024-10-30T10:05:15"),
        ("2024:10:30 10:05:15", "+08:00", "2024-10-30T10:05:15+08:00"),
        ("2024-10-30T10:05:15", "", "2024-10-30T10:05:15"),
        ("2024:10:30T10:05:15", "-03:30", "2024-10-30T10:05:15-03:30"),
        ("2024-10-30T10:05:15Z", "", "2024-10-30T10:05:15+00:00"),
        ("2024-10-30T10:05:15+02:00", "+08:00", "2024-10-30T10:05:15+02:00"),
        ("2024-10-30T10:05:15.25+0200", "", "2024-10-30T10:05:15.250000+02:00"),
        ("2024:10:30 10:05:15 junk", "", "2024-10-30T10:05:15"),
        ("2024:10:30", "", None),
        ("0000:00:00 00:00:00", "", None),
        ("    :  :     :  :  ", "", None),
        ("2024:13:30 10:05:15", "", None),
    ],
)
def test_times_are_read_with_a_blank_or_a_t_and_with_a_zone(stamp, offset, expected):
    base = ExifTags.Base
    tags = {base.DateTimeOriginal: stamp, base.OffsetTimeOriginal: offset}
    assert iso_time(Exif(photo=tags))[0] == expected
