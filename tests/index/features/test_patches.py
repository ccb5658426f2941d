"""A patch is what lies around its keypoint, whichever way the picture is turned or enlarged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from geoloc.index.features.patches import SIDE_PX, WIDTHS, Pyramid, cut_patches
from tests.fixtures.search import speckled

SIDE = 512
CENTRES = np.arange(SIDE_PX) + 0.5


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    grey = cv2.cvtColor(speckled(SIDE, count=1500), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.5), np.uint8)


@pytest.fixture(scope="module")
def xy_px() -> NDArray[np.float64]:
    return np.random.default_rng(3).uniform(200, 312, (40, 2))


def cut(grey: NDArray[np.uint8], xy_px: object, size_px: object, angle_deg: object) -> np.ndarray:
    xy = np.atleast_2d(np.asarray(xy_px, np.float32))
    rows = np.ones(len(xy), np.float32)
    return cut_patches(Pyramid.of(grey), xy, rows * size_px, rows * angle_deg)


def likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation (N, channels) of patches."""
    flat = [p.reshape(len(p), -1, p.shape[-1]).astype(float) for p in (one, other)]
    a, b = (p - p.mean(axis=1, keepdims=True) for p in flat)
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def test_a_patch_turns_with_its_keypoint(picture: np.ndarray, xy_px: np.ndarray) -> None:
    clockwise = np.ascontiguousarray(np.rot90(picture, -1))
    there = np.stack([SIDE - xy_px[:, 1], xy_px[:, 0]], axis=1)
    upright = cut(picture, xy_px, 5.0, 20.0)
    alike = likeness(upright, cut(clockwise, there, 5.0, 110.0))
    assert alike.min(axis=0)[0] > 0.999
    assert alike.mean(axis=0).min() > 0.9  # the halves of a turned picture are others by a bit
    assert likeness(upright, cut(clockwise, there, 5.0, 20.0)).mean() < 0.3


def test_any_turn_will_do(picture: np.ndarray, xy_px: np.ndarray) -> None:
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), -33, 1.0)  # clockwise, as angles are
    turned = np.asarray(cv2.warpAffine(picture, turn, (SIDE, SIDE)), np.uint8)
    there = (xy_px - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5
    alike = likeness(cut(picture, xy_px, 5.0, 0.0), cut(turned, there, 5.0, 33.0))
    assert alike.mean(axis=0)[0] > 0.98
    assert alike.mean(axis=0).min() > 0.9
    assert likeness(cut(picture, xy_px, 5.0, 0.0), cut(turned, there, 5.0, -33.0)).mean() < 0.5


def test_a_patch_grows_with_its_keypoint(picture: np.ndarray, xy_px: np.ndarray) -> None:
    larger = np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8)
    small = cut(picture, xy_px, 4.0, 70.0)
    assert likeness(small, cut(larger, 2 * xy_px, 8.0, 70.0)).mean(axis=0).min() > 0.9
    assert likeness(small, cut(larger, 2 * xy_px, 4.0, 70.0)).mean() < 0.7


def test_columns_run_along_the_angle_and_rows_across() -> None:
    columns = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    side = WIDTHS[0] * 6.0
    expected = 128 - 0.5 + (CENTRES / SIDE_PX - 0.5) * side
    along = cut(columns, (128, 100), 6.0, 0.0)[0, :, :, 0]
    np.testing.assert_allclose(along, np.broadcast_to(expected, along.shape), atol=0.6)
    # The patch's x axis points down the picture: its own y axis to the left.
    down = cut(columns, (128, 100), 6.0, 90.0)[0, :, :, 0]
    np.testing.assert_allclose(down, np.broadcast_to(expected[::-1, None], down.shape), atol=0.6)


@pytest.mark.parametrize("size_px", [3.0, 5.0, 9.0])
def test_all_widths_have_the_keypoint_in_the_middle(size_px: float) -> None:
    columns = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    patch = cut(columns, (128, 128), size_px, 0.0)[0].astype(float)
    for channel, width in enumerate(WIDTHS):
        off_px = patch[..., channel].mean() - 127.5
        assert abs(off_px) < width * size_px / SIDE_PX  # within one pixel of the patch
        spans = np.ptp(patch[0, :, channel]) * SIDE_PX / (SIDE_PX - 1)
        assert spans == pytest.approx(width * size_px, rel=0.03)


def test_wide_channels_see_what_narrow_ones_do_not() -> None:
    picture = np.full((256, 256), 100, np.uint8)
    for away_px, seen_by in ((9, [0, 1, 2]), (18, [1, 2]), (36, [2]), (90, [])):
        spot = picture.copy()
        cv2.circle(spot, (128 + away_px, 128), 2, 255, -1)
        patch = cut(spot, (128.5, 128.5), 4.0, 0.0)[0].astype(int)
        sees = [c for c in range(len(WIDTHS)) if np.ptp(patch[..., c]) > 10]
        assert sees == seen_by
    assert WIDTHS[0] == 6.0  # what SIFT sees itself; the others reach further
    assert WIDTHS[1] > 6.0


def test_what_lies_outside_is_the_mirror_image_and_not_black() -> None:
    rng = np.random.default_rng(0)
    bright = np.asarray(cv2.GaussianBlur(rng.integers(150, 250, (128, 128), np.uint8), (5, 5), 0))
    patch = cut(bright, (0.5, 64), 5.0, 0.0)[0]
    assert patch.min() > 140
    # Mirrored about the middle of the first pixel: the left half is the right one.
    np.testing.assert_allclose(patch[:, :, 0].astype(int), patch[:, ::-1, 0].astype(int), atol=1)


def test_large_squares_are_sampled_without_gaps() -> None:
    checkers = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    patch = cut(checkers, (256, 256), 16.0, 30.0)[0]
    assert np.abs(patch.astype(int) - 127).max() < 25


def test_many_patches_are_what_each_is_alone(picture: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, SIDE, (1100, 2)).astype(np.float32)
    size, angle = rng.uniform(2, 40, 1100), rng.uniform(0, 360, 1100)
    together = cut_patches(Pyramid.of(picture), xy, size, angle)
    assert together.shape == (1100, SIDE_PX, SIDE_PX, len(WIDTHS))
    for row in (0, 511, 512, 1099):
        alone = cut(picture, xy[row], size[row], angle[row])[0]
        np.testing.assert_array_equal(together[row], alone)


def test_no_keypoints_make_no_patches(picture: np.ndarray) -> None:
    none = np.zeros(0, np.float32)
    found = cut_patches(Pyramid.of(picture), np.zeros((0, 2), np.float32), none, none)
    assert found.shape == (0, SIDE_PX, SIDE_PX, len(WIDTHS))


def test_a_picture_smaller_than_a_patch_is_no_trouble() -> None:
    tiny = np.full((5, 7), 77, np.uint8)
    assert (cut(tiny, (3.0, 2.0), 12.0, 45.0) == 77).all()
