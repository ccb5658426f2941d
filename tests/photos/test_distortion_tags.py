"""Distortion of lenses as DJI and Pix4D state it, and photos without it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags

from geoloc.geometry.lens import BrownLens, FisheyeLens, lens_of
from tests.fixtures.photos import DJI, exif, read_back, read_back_dji, xmp

BASE = ExifTags.Base
PIX4D = "http://pix4d.com/camera/1.0/"
SIZE = {BASE.ExifImageWidth: 5472, BASE.ExifImageHeight: 3648}
DEWARP = "2018-09-04;3666.6,3666.6,-17.1,1.3,-0.264,0.107,-0.0004,0.0003,-0.03"


def test_dji_s_dewarp_data_are_a_brown_lens_with_its_focal_length(tmp_path: Path) -> None:
    packet = xmp({"DewarpData": DEWARP, "DewarpFlag": "0"}, namespace=DJI)
    found = read_back(tmp_path, xmp=packet, exif=exif(photo=SIZE))
    assert found.distortion is not None
    assert lens_of(found.distortion) == BrownLens(-0.264, 0.107, -0.03, -0.0004, 0.0003)


def test_the_focal_length_scales_with_the_photo(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    packet = xmp({"DewarpData": DEWARP}, namespace=DJI)
    found = read_back(tmp_path, pixels=pixels, xmp=packet, exif=exif(photo=SIZE))
    assert found.hfov_deg == pytest.approx(2 * math.degrees(math.atan(2736 / 3666.6)), abs=0.01)


def test_a_photo_that_the_drone_has_corrected_has_none(tmp_path: Path) -> None:
    found = read_back_dji(tmp_path, {"DewarpData": DEWARP, "DewarpFlag": "1"})
    assert found.distortion is None
    assert any("corrected" in note for note in found.notes)


@pytest.mark.parametrize(
    "text", ["", "2018;1,2", "x;a,b,c,d,e,f,g,h,i", "d;3666,3666,0,0,99,0,0,0,0"]
)
def test_what_makes_no_sense_is_left_out(tmp_path: Path, text: str) -> None:
    assert read_back_dji(tmp_path, {"DewarpData": text}).distortion is None


def test_pix4d_s_perspective_lens(tmp_path: Path) -> None:
    values = {
        "PerspectiveFocalLength": "10.2",
        "PerspectiveDistortion": "-0.1,0.02,-0.003,0.001,0.002",
    }
    tags = {**SIZE, BASE.FocalPlaneXResolution: 415.0, BASE.FocalPlaneResolutionUnit: 4}
    packet = xmp(values, namespace=PIX4D)
    found = read_back(tmp_path, xmp=packet, exif=exif(photo=tags))
    assert lens_of(found.distortion) == BrownLens(-0.1, 0.02, -0.003, 0.001, 0.002)


def test_pix4d_s_fisheye(tmp_path: Path) -> None:
    values = {
        "ModelType": "fisheye",
        "FisheyePolynomial": "0,1,0.01,-0.1,0.02",
        "FisheyeAffineMatrix": "1700,0,0,1700",
    }
    packet = xmp(values, namespace=PIX4D)
    found = read_back(tmp_path, xmp=packet, exif=exif(photo={BASE.ExifImageWidth: 4608}))
    lens = lens_of(found.distortion)
    assert isinstance(lens, FisheyeLens)
    assert (lens.q2, lens.q3, lens.q4) == (0.01, -0.1, 0.02)
    assert lens.affine[0] == pytest.approx(math.pi / 2)


def test_the_tangential_part_turns_with_the_photo(tmp_path: Path) -> None:
    packet = xmp({"DewarpData": DEWARP}, namespace=DJI)
    found = read_back(tmp_path, xmp=packet, exif=exif({BASE.Orientation: 6}, SIZE))
    stated = json.loads(found.distortion or "{}")
    # Right becomes down, and down becomes left, when the photo turns clockwise.
    assert (stated["p2"], stated["p1"]) == (0.0004, 0.0003)
