"""Field of view and frame: diagonals, crops, calibrations, panoramas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import ExifTags

from tests.fixtures.photos import DJI, GPANO, exif, read_back, xmp

BASE = ExifTags.Base


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
    found = read_back(
        tmp_path, xmp=xmp(values, namespace=GPANO, elements=elements)
    )  # 64 px: halved
    assert found.projection == "equirectangular"
    assert found.yaw_deg == 350.5
    assert found.hfov_deg == pytest.approx(180)
    assert found.panorama is not None
    assert (found.panorama.full_width_px, found.panorama.full_height_px) == (128, 64)
    assert (found.panorama.left_px, found.panorama.top_px) == (32, 8)


@pytest.mark.parametrize(
    ("size", "width_mm"),
    [((60, 40), 36.0), ((64, 48), 34.6), ((160, 90), 34.6), ((48, 64), 25.96), ((50, 50), 25.96)],
)
def test_field_of_view_follows_the_diagonal_of_the_sensor(tmp_path, size, width_mm):
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    found = read_back(tmp_path, pixels=pixels, exif=exif(photo={BASE.FocalLengthIn35mmFilm: 24}))
    expected = 2 * math.degrees(math.atan(width_mm / 2 / 24))
    assert found.hfov_deg == pytest.approx(expected, abs=0.1)
    assert found.focal_35mm == 24


def test_turned_photo_has_the_field_of_view_of_its_short_side(tmp_path):
    tags = exif({BASE.Orientation: 6}, {BASE.FocalLengthIn35mmFilm: 24})
    found = read_back(tmp_path, exif=tags)
    assert found.rotation_deg == 90
    assert found.hfov_deg == pytest.approx(2 * math.degrees(math.atan(25.96 / 2 / 24)), abs=0.1)


def test_cut_photo_has_no_known_field_of_view(tmp_path):
    tags = {BASE.FocalLengthIn35mmFilm: 24, BASE.ExifImageWidth: 4000, BASE.ExifImageHeight: 2250}
    found = read_back(tmp_path, exif=exif(photo=tags))
    assert found.hfov_deg is None
    assert "cut after exposure" in found.notes[0]


def test_calibrated_focal_length_refers_to_the_size_at_exposure(tmp_path):
    tags = exif(photo={BASE.ExifImageWidth: 640, BASE.ExifImageHeight: 480})
    packet = xmp({"CalibratedFocalLength": "320"}, namespace=DJI)
    assert read_back(tmp_path, exif=tags, xmp=packet).hfov_deg == pytest.approx(90)


def test_focal_plane_resolution_serves_without_an_equivalent(tmp_path):
    tags = {
        BASE.FocalLength: 18.0,
        BASE.FocalPlaneXResolution: 64 / 36.0,
        BASE.FocalPlaneResolutionUnit: 4,
    }
    assert read_back(tmp_path, exif=exif(photo=tags)).hfov_deg == pytest.approx(90, abs=0.01)


@pytest.mark.parametrize("focal", [0, 65535])
def test_senseless_focal_lengths_are_dropped(tmp_path, focal):
    assert (
        read_back(tmp_path, exif=exif(photo={BASE.FocalLengthIn35mmFilm: focal})).hfov_deg is None
    )
