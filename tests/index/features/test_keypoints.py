"""Keypoints lie where the picture has them, and never where the picture ends."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from geoloc.index.features.keypoints import ROOT_SIFT, detect_keypoints
from tests.fixtures.search import speckled


def _blob(x_px: float, y_px: float, side_px: int = 64) -> np.ndarray:
    """A bright round blob about a point in the corner convention."""
    centres = np.arange(side_px) + 0.5
    squares = (centres[None, :] - x_px) ** 2 + (centres[:, None] - y_px) ** 2
    return (60 + 150 * np.exp(-squares / 32)).astype(np.uint8)


@pytest.mark.parametrize(("x_px", "y_px"), [(32.0, 32.0), (24.5, 40.5), (30.25, 35.75)])
def test_a_blob_is_found_at_its_place_in_the_corner_convention(x_px: float, y_px: float) -> None:
    found = detect_keypoints(_blob(x_px, y_px))
    assert len(found) > 0
    away = np.hypot(*(found.xy_px - [x_px, y_px]).T)
    assert away.min() < 0.15


def test_colour_and_grey_pictures_are_taken() -> None:
    picture = speckled(128)
    in_colour, in_grey = (
        detect_keypoints(p) for p in (picture, cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    )
    np.testing.assert_array_equal(in_colour.xy_px, in_grey.xy_px)
    np.testing.assert_array_equal(in_colour.descriptors, in_grey.descriptors)


def test_descriptors_are_root_sift_in_bytes() -> None:
    descriptors = detect_keypoints(speckled(128)).descriptors
    assert descriptors.dtype == np.uint8
    assert descriptors.shape[1] == ROOT_SIFT.size
    # The square of a RootSIFT vector sums to one; 512 is its unit.
    lengths = np.linalg.norm(descriptors.astype(float), axis=1)
    np.testing.assert_allclose(lengths, 512, rtol=0.03)


def test_angles_are_clockwise_from_the_x_axis() -> None:
    picture = speckled(256)
    upright = detect_keypoints(picture)
    turned = detect_keypoints(np.ascontiguousarray(np.rot90(picture, -1)))  # clockwise
    moved = np.stack([256 - upright.xy_px[:, 1], upright.xy_px[:, 0]], axis=1)
    away = np.hypot(*(moved[:, None] - turned.xy_px[None]).transpose(2, 0, 1))
    partner = away.argmin(axis=1)
    close = away.min(axis=1) < 0.1
    change = (turned.angle_deg[partner] - upright.angle_deg - 90 + 180) % 360 - 180
    assert close.mean() > 0.8
    assert np.median(np.abs(change[close])) < 1.0


def test_nothing_lies_near_invalid_pixels() -> None:
    picture = speckled(256)
    valid = np.ones((256, 256), bool)
    valid[:, 150:] = False
    picture[~valid] = 0
    spoilt, kept = detect_keypoints(picture), detect_keypoints(picture, valid=valid)
    edge = np.abs(spoilt.xy_px[:, 0] - 150) < 4
    assert edge.any(), "the edge of the data looks like a feature, or this test says nothing"
    assert len(kept) > 50
    assert (kept.xy_px[:, 0] + kept.size_px / 2 < 150).all()


def test_the_border_of_a_picture_is_no_invalid_ground() -> None:
    picture = speckled(256)
    all_valid = detect_keypoints(picture, valid=np.ones((256, 256), bool))
    np.testing.assert_array_equal(all_valid.xy_px, detect_keypoints(picture).xy_px)


def test_the_limit_keeps_the_strongest() -> None:
    picture = speckled(128, count=40)
    picture[:, 64:] = 120 + (picture[:, 64:].astype(int) - 120) // 10  # a tenth of the contrast
    found = detect_keypoints(picture, limit=20)
    assert 0 < len(found) <= 22  # OpenCV keeps ties, and both angles of a spot
    assert (found.xy_px[:, 0] < 66).all()


def test_a_picture_of_nothing_has_no_keypoints() -> None:
    found = detect_keypoints(np.full((64, 64, 3), 99, np.uint8))
    assert len(found) == 0
    assert found.descriptors.shape == (0, ROOT_SIFT.size)


def test_selecting_keeps_rows_together() -> None:
    found = detect_keypoints(speckled(128))
    mask = found.xy_px[:, 0] < 40
    by_mask, by_position = found.select(mask), found.select(np.flatnonzero(mask))
    np.testing.assert_array_equal(by_mask.xy_px, found.xy_px[mask])
    np.testing.assert_array_equal(by_mask.descriptors, by_position.descriptors)
    np.testing.assert_array_equal(by_mask.angle_deg, by_position.angle_deg)
