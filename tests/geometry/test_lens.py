"""Claims about lens distortion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from geoloc.errors import PhotoError
from geoloc.geometry.lens import (
    PINHOLE,
    BrownLens,
    FisheyeLens,
    distortion_text,
    for_focal,
    lens_of,
)

XY = np.array([[0.0, 0.0], [0.5, 0.2], [-0.6, 0.4], [0.1, -0.45]])
LENS = BrownLens(k1=-0.12, k2=0.03, k3=-0.004, p1=0.001, p2=-0.0007)


def test_brown_is_opencvs() -> None:
    ahead = np.column_stack([XY, np.ones(len(XY))])
    order = np.array([LENS.k1, LENS.k2, LENS.p1, LENS.p2, LENS.k3])
    theirs, _ = cv2.projectPoints(ahead, np.zeros(3), np.zeros(3), np.eye(3), order)
    np.testing.assert_allclose(LENS.distorted(XY), theirs.reshape(-1, 2), atol=1e-12)


def test_what_a_lens_does_is_undone() -> None:
    np.testing.assert_allclose(LENS.undistorted(LENS.distorted(XY)), XY, atol=1e-8)


def test_what_cannot_be_undone_is_nan() -> None:
    assert np.isnan(BrownLens(k1=-2.0).undistorted(np.array([[3.0, 0.0]]))).all()


def test_no_distortion_is_a_pinhole() -> None:
    assert lens_of(None) is PINHOLE
    assert PINHOLE.distorted(XY) is XY


def test_the_column_states_a_lens() -> None:
    assert lens_of('{"model": "brown", "k1": -0.1, "p2": 0.2}') == BrownLens(k1=-0.1, p2=0.2)


@pytest.mark.parametrize(
    "text", ["{", "7", '{"model": "spherical"}', '{"model": "brown", "k1": "a"}']
)
def test_an_unknown_lens_is_refused(text: str) -> None:
    with pytest.raises(PhotoError, match="lens distortion"):
        lens_of(text)


def test_a_fisheye_comes_back_from_its_text_and_its_points_from_the_plane() -> None:
    lens = FisheyeLens(0.02, -0.1, 0.01, (1.6, 0.01, -0.01, 1.58))
    assert lens_of(distortion_text(lens)) == lens
    plane = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    np.testing.assert_allclose(lens.undistorted(lens.distorted(plane)), plane, atol=1e-3)


def test_an_equidistant_fisheye_shows_angles_as_lengths() -> None:
    plane = np.array([[np.tan(np.radians(60)), 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        FisheyeLens().distorted(plane), [[np.radians(60), 0.0], [0.0, 0.0]], atol=1e-9
    )


def test_another_focal_length_bends_the_same_pixels() -> None:
    lens, factor = BrownLens(-0.2, 0.05, -0.01, 0.002, -0.001), 1.2
    pixels = np.random.default_rng(0).uniform(-400, 400, (20, 2))
    one = lens.distorted(pixels / 500) * 500
    other = for_focal(lens, factor).distorted(pixels / (500 * factor)) * 500 * factor
    np.testing.assert_allclose(one, other, atol=1e-9)
