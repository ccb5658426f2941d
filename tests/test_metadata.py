from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, TiffImagePlugin

from geoloc.errors import PhotoError
from geoloc.metadata import PhotoMetadata, describe, merge, read_metadata
from tests.photos import DJI, GPANO, MAVIC_MINI, PIX4D, SENSEFLY, exif, gps, write_photo, xmp

BASE, GPS = ExifTags.Base, ExifTags.GPS
LAT, LON = (24.0, 15.0, 43.68), (120.0, 43.0, 12.75)
NOTHING = TiffImagePlugin.IFDRational(0, 0)


def read(folder: Path, **how) -> PhotoMetadata:
    return read_metadata(write_photo(folder / "photo.jpg", **how))


def dji(folder: Path, values: dict[str, str], **how) -> PhotoMetadata:
    return read(folder, xmp=xmp(values, namespace=DJI, **how))


def test_photo_without_metadata_says_nothing(tmp_path):
    said = read(tmp_path)
    assert said == PhotoMetadata(rotation_deg=0, projection="perspective")


@pytest.mark.parametrize(("lat_ref", "lon_ref"), [("N", "E"), ("S", "W"), ("s", "w\0")])
def test_position_has_the_signs_of_its_references(tmp_path, lat_ref, lon_ref):
    said = read(tmp_path, exif=exif(gps=gps(LAT, LON, lat_ref=lat_ref, lon_ref=lon_ref)))
    sign = 1 if lat_ref == "N" else -1
    assert said.lat == pytest.approx(sign * 24.2621333, abs=1e-6)
    assert said.lon == pytest.approx(sign * 120.7202083, abs=1e-6)


def test_missing_hemisphere_is_noted(tmp_path):
    said = read(tmp_path, exif=exif(gps=gps(LAT, LON)))
    assert said.lat == pytest.approx(24.2621333, abs=1e-6)
    assert "hemisphere" in said.notes[0]


def test_null_island_is_rejected(tmp_path):
    said = read(tmp_path, exif=exif(gps=gps((0, 0, 0), (0, 0, 0), lat_ref="N", lon_ref="E")))
    assert (said.lon, said.lat) == (None, None)
    assert "no fix" in said.notes[0]


@pytest.mark.parametrize("lat", [(NOTHING,) * 3, (95.0, 0.0, 0.0), (24.0, 75.0, 0.0)])
def test_impossible_latitudes_leave_no_position(tmp_path, lat):
    said = read(tmp_path, exif=exif(gps=gps(lat, LON, lat_ref="N", lon_ref="E")))
    assert (said.lon, said.lat) == (None, None)


def test_unmeasured_seconds_count_as_zero(tmp_path):
    position = gps((24.0, 30.0, NOTHING), LON, lat_ref="N", lon_ref="E")
    assert read(tmp_path, exif=exif(gps=position)).lat == pytest.approx(24.5)


@pytest.mark.parametrize(("ref", "expected"), [(b"\0", 375.6), (b"\1", -375.6)])
def test_altitude_below_the_sea_is_negative(tmp_path, ref, expected):
    tags = {GPS.GPSAltitude: 375.6, GPS.GPSAltitudeRef: ref}
    assert read(tmp_path, exif=exif(gps=tags)).altitude_m == pytest.approx(expected)


@pytest.mark.parametrize(("ref", "expected"), [("T", "true"), ("M", "magnetic"), ("?", None)])
def test_direction_keeps_which_north_it_means(tmp_path, ref, expected):
    tags = {GPS.GPSImgDirection: 350.5, GPS.GPSImgDirectionRef: ref}
    said = read(tmp_path, exif=exif(gps=tags))
    assert said.yaw_deg == pytest.approx(350.5)
    assert said.yaw_ref == expected
    assert said.yaw_source == "EXIF GPSImgDirection"


@pytest.mark.parametrize("elements", [False, True])
def test_unset_gimbal_gives_way_to_the_airframe_and_has_no_pitch(tmp_path, elements):
    said = dji(tmp_path, MAVIC_MINI, elements=elements)
    assert said.yaw_deg == pytest.approx(152.1)
    assert said.yaw_source == "DJI FlightYawDegree"
    assert said.pitch_deg is None
    assert said.roll_deg is None
    assert said.rel_alt_m == pytest.approx(119.7)
    assert said.altitude_m == pytest.approx(375.62)
    assert any("unset" in note for note in said.notes)


def test_gimbal_wins_over_the_airframe(tmp_path):
    gimbal = {"GimbalYawDegree": "-60.5", "GimbalPitchDegree": "-90.00", "GimbalRollDegree": "+0"}
    said = dji(tmp_path, {**MAVIC_MINI, **gimbal})
    assert (said.yaw_deg, said.pitch_deg, said.roll_deg) == (299.5, -90.0, 0.0)
    assert said.yaw_source == "DJI GimbalYawDegree"


def test_airframe_angles_never_become_the_cameras(tmp_path):
    said = dji(tmp_path, {"FlightPitchDegree": "3.1", "FlightRollDegree": "-3.9"})
    assert (said.yaw_deg, said.pitch_deg, said.roll_deg) == (None, None, None)


@pytest.mark.parametrize("spelling", ["GpsLongitude", "GpsLongtitude"])
def test_both_spellings_of_longitude_and_decimal_commas_are_read(tmp_path, spelling):
    said = dji(tmp_path, {"GpsLatitude": "+24,262", spelling: "-120,72", "RelativeAltitude": "5,5"})
    assert (said.lon, said.lat, said.rel_alt_m) == (-120.72, 24.262, 5.5)


def test_height_at_take_off_is_no_height(tmp_path):
    said = dji(tmp_path, {"RelativeAltitude": "-0.20"})
    assert said.rel_alt_m is None
    assert "not above ground" in said.notes[0]


@pytest.mark.parametrize("namespace", [PIX4D, SENSEFLY])
def test_camera_namespace_counts_pitch_from_the_nadir(tmp_path, namespace):
    packet = xmp({"Yaw": "12.5", "Pitch": "10", "Roll": "-1"}, namespace=namespace)
    said = read(tmp_path, xmp=packet)
    assert (said.yaw_deg, said.pitch_deg, said.roll_deg) == (12.5, -80.0, -1.0)


def test_yaw_of_another_namespace_is_not_the_cameras(tmp_path):
    said = read(tmp_path, xmp=xmp({"Yaw": "77"}, namespace="http://micasense.com/DLS/1.0"))
    assert said.yaw_deg is None


@pytest.mark.parametrize("elements", [False, True])
def test_cropped_panorama_keeps_its_frame(tmp_path, elements):
    values = {
        "ProjectionType": "equirectangular",
        "PoseHeadingDegrees": "350.5",
        "FullPanoWidthPixels": "256",
        "FullPanoHeightPixels": "128",
        "CroppedAreaImageWidthPixels": "128",
        "CroppedAreaImageHeightPixels": "96",
        "CroppedAreaLeftPixels": "64",
        "CroppedAreaTopPixels": "16",
    }
    said = read(tmp_path, xmp=xmp(values, namespace=GPANO, elements=elements))  # 64 px: halved
    assert said.projection == "equirectangular"
    assert said.yaw_deg == 350.5
    assert said.hfov_deg == pytest.approx(180)
    assert said.panorama is not None
    assert (said.panorama.full_width_px, said.panorama.full_height_px) == (128, 64)
    assert (said.panorama.left_px, said.panorama.top_px) == (32, 8)


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
    said = read(tmp_path, xmp=packet)
    assert said.yaw_deg is None
    assert "XMP is not well-formed" in said.notes[0]


@pytest.mark.parametrize(
    ("size", "width_mm"),
    [((60, 40), 36.0), ((64, 48), 34.6), ((160, 90), 34.6), ((48, 64), 25.96), ((50, 50), 25.96)],
)
def test_field_of_view_follows_the_diagonal_of_the_sensor(tmp_path, size, width_mm):
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    said = read(tmp_path, pixels=pixels, exif=exif(photo={BASE.FocalLengthIn35mmFilm: 24}))
    expected = 2 * math.degrees(math.atan(width_mm / 2 / 24))
    assert said.hfov_deg == pytest.approx(expected, abs=0.1)
    assert said.focal_35mm == 24


def test_turned_photo_has_the_field_of_view_of_its_short_side(tmp_path):
    tags = exif({BASE.Orientation: 6}, {BASE.FocalLengthIn35mmFilm: 24})
    said = read(tmp_path, exif=tags)
    assert said.rotation_deg == 90
    assert said.hfov_deg == pytest.approx(2 * math.degrees(math.atan(25.96 / 2 / 24)), abs=0.1)


def test_cut_photo_has_no_known_field_of_view(tmp_path):
    tags = {BASE.FocalLengthIn35mmFilm: 24, BASE.ExifImageWidth: 4000, BASE.ExifImageHeight: 2250}
    said = read(tmp_path, exif=exif(photo=tags))
    assert said.hfov_deg is None
    assert "cut after exposure" in said.notes[0]


def test_calibrated_focal_length_refers_to_the_size_at_exposure(tmp_path):
    tags = exif(photo={BASE.ExifImageWidth: 640, BASE.ExifImageHeight: 480})
    packet = xmp({"CalibratedFocalLength": "320"}, namespace=DJI)
    assert read(tmp_path, exif=tags, xmp=packet).hfov_deg == pytest.approx(90)


def test_focal_plane_resolution_serves_without_an_equivalent(tmp_path):
    tags = {
        BASE.FocalLength: 18.0,
        BASE.FocalPlaneXResolution: 64 / 36.0,
        BASE.FocalPlaneResolutionUnit: 4,
    }
    assert read(tmp_path, exif=exif(photo=tags)).hfov_deg == pytest.approx(90, abs=0.01)


@pytest.mark.parametrize("focal", [0, 65535])
def test_senseless_focal_lengths_are_dropped(tmp_path, focal):
    assert read(tmp_path, exif=exif(photo={BASE.FocalLengthIn35mmFilm: focal})).hfov_deg is None


def test_time_and_device_are_cleaned(tmp_path):
    tags = exif(
        {BASE.Make: "DJI\0\0", BASE.Model: " FC7303 \0"},
        {BASE.DateTimeOriginal: "2024:10:30 10:05:15", BASE.OffsetTimeOriginal: "+08:00"},
    )
    said = read(tmp_path, exif=tags)
    assert (said.make, said.model) == ("DJI", "FC7303")
    assert said.timestamp == "2024-10-30T10:05:15+08:00"


def test_blank_time_is_none(tmp_path):
    tags = exif(photo={BASE.DateTimeOriginal: "0000:00:00 00:00:00"})
    assert read(tmp_path, exif=tags).timestamp is None


def test_impossible_orientation_is_noted(tmp_path):
    said = read(tmp_path, exif=exif({BASE.Orientation: 77}))
    assert (said.orientation, said.rotation_deg) == (None, 0)
    assert "none of 1 to 8" in said.notes[0]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xd8\xff\xe1\0\x08Exif\0\0"])
def test_garbage_never_raises(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    said = read_metadata(path)
    assert said.lon is None
    assert said.notes


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


def test_table_wins_over_the_photo():
    photo = PhotoMetadata(yaw_deg=1.0, yaw_ref="magnetic", yaw_source="x", lon=5.0, notes=("a",))
    merged = merge(photo, PhotoMetadata(yaw_deg=9.0, hfov_deg=60.0, notes=("b",)))
    assert (merged.yaw_deg, merged.yaw_ref, merged.yaw_source) == (9.0, None, None)
    assert (merged.lon, merged.hfov_deg, merged.notes) == (5.0, 60.0, ("a", "b"))


def test_description_names_the_tags(tmp_path):
    write_photo(tmp_path / "photo.jpg", xmp=xmp(MAVIC_MINI, namespace=DJI))
    said = describe(tmp_path / "photo.jpg")
    assert said["yaw_deg"] == "152.1 (DJI FlightYawDegree)"
    assert "unset" in said["note 1"]


@pytest.mark.shared
def test_real_drone_photos_say_what_their_truth_says(shared_data: Path):
    folder = shared_data / "fengyuan"
    with (folder / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        said = read_metadata(folder / "photos" / row["photo"])
        assert said.lon == pytest.approx(float(row["camera_lon"]), abs=1e-6)
        assert said.lat == pytest.approx(float(row["camera_lat"]), abs=1e-6)
        assert said.rel_alt_m == pytest.approx(float(row["rel_alt_m"]), abs=0.01)
        assert said.yaw_deg == pytest.approx(float(row["yaw_deg"]) % 360, abs=0.01)
        assert said.yaw_source == "DJI FlightYawDegree"
        assert said.pitch_deg is None
        assert said.hfov_deg == pytest.approx(71.6, abs=0.1)


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
