"""Where a photo was taken and where it looked: every device its own dialect."""

from __future__ import annotations

import pytest
from PIL import ExifTags, TiffImagePlugin

from tests.fixtures.photos import (
    MAVIC_MINI,
    PIX4D,
    SENSEFLY,
    exif,
    gps,
    read_back,
    read_back_dji,
    xmp,
)

GPS = ExifTags.GPS
LAT, LON = (24.0, 15.0, 43.68), (120.0, 43.0, 12.75)
NOTHING = TiffImagePlugin.IFDRational(0, 0)


def test_a_longitude_counted_from_0_to_360_is_turned(tmp_path):
    place = gps(LAT, (200.0, 15.0, 0.0), lat_ref="S", lon_ref="E")
    assert read_back(tmp_path, exif=exif(gps=place)).lon == pytest.approx(-159.75)


@pytest.mark.parametrize(("lat_ref", "lon_ref"), [("N", "E"), ("S", "W"), ("s", "w\0")])
def test_position_has_the_signs_of_its_references(tmp_path, lat_ref, lon_ref):
    found = read_back(tmp_path, exif=exif(gps=gps(LAT, LON, lat_ref=lat_ref, lon_ref=lon_ref)))
    sign = 1 if lat_ref == "N" else -1
    assert found.lat == pytest.approx(sign * 24.2621333, abs=1e-6)
    assert found.lon == pytest.approx(sign * 120.7202083, abs=1e-6)


def test_missing_hemisphere_is_noted(tmp_path):
    found = read_back(tmp_path, exif=exif(gps=gps(LAT, LON)))
    assert found.lat == pytest.approx(24.2621333, abs=1e-6)
    assert "hemisphere" in found.notes[0]


def test_null_island_is_rejected(tmp_path):
    found = read_back(tmp_path, exif=exif(gps=gps((0, 0, 0), (0, 0, 0), lat_ref="N", lon_ref="E")))
    assert (found.lon, found.lat) == (None, None)
    assert "no fix" in found.notes[0]


@pytest.mark.parametrize("lat", [(NOTHING,) * 3, (95.0, 0.0, 0.0), (24.0, 75.0, 0.0)])
def test_impossible_latitudes_leave_no_position(tmp_path, lat):
    found = read_back(tmp_path, exif=exif(gps=gps(lat, LON, lat_ref="N", lon_ref="E")))
    assert (found.lon, found.lat) == (None, None)


def test_unmeasured_seconds_count_as_zero(tmp_path):
    position = gps((24.0, 30.0, NOTHING), LON, lat_ref="N", lon_ref="E")
    assert read_back(tmp_path, exif=exif(gps=position)).lat == pytest.approx(24.5)


@pytest.mark.parametrize(("ref", "expected"), [(b"\0", 375.6), (b"\1", -375.6)])
def test_altitude_below_the_sea_is_negative(tmp_path, ref, expected):
    tags = {GPS.GPSAltitude: 375.6, GPS.GPSAltitudeRef: ref}
    assert read_back(tmp_path, exif=exif(gps=tags)).altitude_m == pytest.approx(expected)


@pytest.mark.parametrize(("ref", "expected"), [("T", "true"), ("M", "magnetic"), ("?", None)])
def test_direction_keeps_which_north_it_means(tmp_path, ref, expected):
    tags = {GPS.GPSImgDirection: 350.5, GPS.GPSImgDirectionRef: ref}
    found = read_back(tmp_path, exif=exif(gps=tags))
    assert found.yaw_deg == pytest.approx(350.5)
    assert found.yaw_ref == expected
    assert found.yaw_source == "EXIF GPSImgDirection"


@pytest.mark.parametrize("elements", [False, True])
def test_unset_gimbal_gives_way_to_the_airframe_and_has_no_pitch(tmp_path, elements):
    found = read_back_dji(tmp_path, MAVIC_MINI, elements=elements)
    assert found.yaw_deg == pytest.approx(152.1)
    assert found.yaw_source == "DJI FlightYawDegree"
    assert found.pitch_deg is None
    assert found.roll_deg is None
    assert found.rel_alt_m == pytest.approx(119.7)
    assert found.altitude_m == pytest.approx(375.62)
    assert any("unset" in note for note in found.notes)


def test_gimbal_wins_over_the_airframe(tmp_path):
    gimbal = {"GimbalYawDegree": "-60.5", "GimbalPitchDegree": "-90.00", "GimbalRollDegree": "+0"}
    found = read_back_dji(tmp_path, {**MAVIC_MINI, **gimbal})
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (299.5, -90.0, 0.0)
    assert found.yaw_source == "DJI GimbalYawDegree"


def test_airframe_angles_never_become_the_cameras(tmp_path):
    found = read_back_dji(tmp_path, {"FlightPitchDegree": "3.1", "FlightRollDegree": "-3.9"})
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (None, None, None)


@pytest.mark.parametrize("spelling", ["GpsLongitude", "GpsLongtitude"])
def test_both_spellings_of_longitude_and_decimal_commas_are_read(tmp_path, spelling):
    found = read_back_dji(
        tmp_path, {"GpsLatitude": "+24,262", spelling: "-120,72", "RelativeAltitude": "5,5"}
    )
    assert (found.lon, found.lat, found.rel_alt_m) == (-120.72, 24.262, 5.5)


def test_height_at_take_off_is_no_height(tmp_path):
    found = read_back_dji(tmp_path, {"RelativeAltitude": "-0.20"})
    assert found.rel_alt_m is None
    assert "not above ground" in found.notes[0]


@pytest.mark.parametrize("namespace", [PIX4D, SENSEFLY])
def test_camera_namespace_counts_pitch_from_the_nadir(tmp_path, namespace):
    packet = xmp({"Yaw": "12.5", "Pitch": "10", "Roll": "-1"}, namespace=namespace)
    found = read_back(tmp_path, xmp=packet)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (12.5, -80.0, -1.0)


def test_yaw_of_another_namespace_is_not_the_cameras(tmp_path):
    found = read_back(tmp_path, xmp=xmp({"Yaw": "77"}, namespace="http://micasense.com/DLS/1.0"))
    assert found.yaw_deg is None
