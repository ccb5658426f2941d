"""Metadata of photo files, whole, broken or hostile."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags

from geoloc.errors import PhotoError
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo_metadata import read_metadata, read_metadata_with_tags
from tests.fixtures.photos import DJI, MAVIC_MINI, exif, gps, read_back, write_photo, xmp

BASE = ExifTags.Base
LAT, LON = (24.0, 15.0, 43.68), (120.0, 43.0, 12.75)


def test_photo_without_metadata_says_nothing(tmp_path):
    found = read_back(tmp_path)
    assert found == PhotoMetadata(rotation_deg=0, projection="perspective")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_xmp_is_read_in_every_container(tmp_path, name):
    from PIL.PngImagePlugin import PngInfo

    packet = xmp(MAVIC_MINI, namespace=DJI)
    how = {"xmp": packet}
    if name.endswith("png"):
        how = {"pnginfo": PngInfo()}
        how["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    if name.endswith("tif"):
        how = {"tiffinfo": {700: packet}}
    assert read_metadata(write_photo(tmp_path / name, **how)).rel_alt_m == pytest.approx(119.7)


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta><broken></x:xmpmeta>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><r>&b;</r>',
        b"\0\0\xff",
    ],
)
def test_broken_or_hostile_xmp_becomes_a_note(tmp_path, packet):
    found = read_back(tmp_path, xmp=packet)
    assert found.yaw_deg is None
    assert "XMP is not well-formed" in found.notes[0]


def test_time_and_device_are_cleaned(tmp_path):
    tags = exif(
        {BASE.Make: "DJI\0\0", BASE.Model: " FC7303 \0"},
        {BASE.DateTimeOriginal: "2024:10:30 10:05:15", BASE.OffsetTimeOriginal: "+08:00"},
    )
    found = read_back(tmp_path, exif=tags)
    assert (found.make, found.model) == ("DJI", "FC7303")
    assert found.timestamp == "2024-10-30T10:05:15+08:00"


def test_blank_time_is_none(tmp_path):
    tags = exif(photo={BASE.DateTimeOriginal: "0000:00:00 00:00:00"})
    assert read_back(tmp_path, exif=tags).timestamp is None


def test_impossible_orientation_is_noted(tmp_path):
    found = read_back(tmp_path, exif=exif({BASE.Orientation: 77}))
    assert (found.orientation, found.rotation_deg) == (None, 0)
    assert "none of 1 to 8" in found.notes[0]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xd8\xff\xe1\0\x08Exif\0\0"])
def test_garbage_never_raises(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    found = read_metadata(path)
    assert found.lon is None
    assert found.notes


def test_fuzzed_metadata_never_raises(tmp_path):
    tags = exif({BASE.Orientation: 6, BASE.Make: "DJI"}, {BASE.FocalLength: 4.5}, gps(LAT, LON))
    packet = xmp(MAVIC_MINI, namespace=DJI)
    whole = write_photo(tmp_path / "whole.jpg", exif=tags, xmp=packet).read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(150):
        broken = np.frombuffer(whole, np.uint8).copy()
        where = rng.integers(2, 900, 12)
        broken[where] = rng.integers(0, 256, 12)
        (tmp_path / "broken.jpg").write_bytes(broken.tobytes())
        assert isinstance(read_metadata(tmp_path / "broken.jpg"), PhotoMetadata)


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(PhotoError, match="does not exist"):
        read_metadata(tmp_path / "nowhere.jpg")


def test_description_names_the_tags(tmp_path):
    write_photo(tmp_path / "photo.jpg", xmp=xmp(MAVIC_MINI, namespace=DJI))
    found = read_metadata_with_tags(tmp_path / "photo.jpg")
    assert found["yaw_deg"] == "152.1 (DJI FlightYawDegree)"
    assert "unset" in found["note 1"]


@pytest.mark.shared
def test_real_drone_photos_say_what_their_truth_says(shared_data: Path):
    folder = shared_data / "fengyuan"
    with (folder / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = read_metadata(folder / "photos" / row["photo"])
        assert found.lon == pytest.approx(float(row["camera_lon"]), abs=1e-6)
        assert found.lat == pytest.approx(float(row["camera_lat"]), abs=1e-6)
        assert found.rel_alt_m == pytest.approx(float(row["rel_alt_m"]), abs=0.01)
        assert found.yaw_deg == pytest.approx(float(row["yaw_deg"]) % 360, abs=0.01)
        assert found.yaw_source == "DJI FlightYawDegree"
        assert found.pitch_deg is None
        assert found.hfov_deg == pytest.approx(71.6, abs=0.1)


@pytest.mark.shared
def test_odd_photos_say_what_exiftool_says(shared_data: Path):
    folder = shared_data / "robustness" / "photos"
    west = read_metadata(folder / "038_Issue 473 (Java).webp")
    assert (west.lon, west.lat) == pytest.approx((-122.0409694444, 37.3926777778))
    assert (west.yaw_deg, west.yaw_ref, west.orientation) == (pytest.approx(241.2238095), "true", 6)
    south = read_metadata(folder / "061_DJI_20251001213509_0003_D_LENS_CAP.JPG")
    assert (south.lon, south.lat, south.pitch_deg) == pytest.approx((115.48415, -8.30395, -80.0))
    adobe = read_metadata(folder / "035_adobe_coords.jpg")
    assert (adobe.lon, adobe.lat) == pytest.approx((34.3819351667, -0.0702668333))
    assert read_metadata(folder / "031_GoPro.jpg").altitude_m == pytest.approx(-3.983)
    assert read_metadata(folder / "063_Issue 308.jpg").lon is None
