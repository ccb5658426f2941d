"""What of a photo a network is shown that takes photos whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoloc.arrays import RgbImage
from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.panorama import Panorama, panorama_to_perspective
from geoloc.image_size import ImageSize
from geoloc.locate.street.picture import panorama_pictures, photo_picture
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo
from tests.fixtures.plain import plain
from tests.fixtures.street import panorama

WIDE_DEG = 140.0


def photo_of(pixels: RgbImage, *, full_width_px: int | None = None) -> Photo:
    height, width = pixels.shape[:2]
    full = full_width_px or width
    return Photo(Path("photo.jpg"), pixels, full, height * full // width, PhotoMetadata())


@pytest.fixture(scope="module")
def surroundings() -> RgbImage:
    """A panorama (180, 360, 3), north in its middle."""
    return panorama(plain(seed=3), 200.0, -200.0)


def seen(surroundings: RgbImage, *, hfov_deg: float, yaw_deg: float = 0.0, roll_deg: float = 0.0):
    return panorama_to_perspective(
        surroundings,
        Panorama.whole(360, 180),
        camera=Camera.from_hfov(320, 240, hfov_deg),
        pose=Pose(yaw_deg, 0.0, roll_deg, 0.0),
    )


@pytest.mark.parametrize("hfov_deg", [None, 40.0, 67.0, 119.0, 360.0])
def test_a_photo_as_most_are_is_shown_as_it_is(
    surroundings: RgbImage, hfov_deg: float | None
) -> None:
    pixels = seen(surroundings, hfov_deg=67)
    stated = PhotoMetadata(hfov_deg=hfov_deg, roll_deg=4.0)
    assert photo_picture(photo_of(pixels), stated) is pixels


def test_of_a_photo_that_is_far_wider_the_middle_is_shown(surroundings: RgbImage) -> None:
    pixels = seen(surroundings, hfov_deg=WIDE_DEG)
    shown = photo_picture(photo_of(pixels), PhotoMetadata(hfov_deg=WIDE_DEG))
    camera = Camera.from_hfov(320, 240, WIDE_DEG)
    around = Camera(shown.shape[1], shown.shape[0], camera.focal_px)
    assert around.hfov_deg == pytest.approx(90, abs=1)
    assert around.vfov_deg == pytest.approx(74, abs=1.5)
    half = (np.array(pixels.shape[:2]) - shown.shape[:2]) // 2
    np.testing.assert_array_equal(
        shown, pixels[half[0] : half[0] + shown.shape[0], half[1] : half[1] + shown.shape[1]]
    )


def test_a_bend_that_is_stated_is_taken_out_of_a_very_wide_photo(surroundings: RgbImage) -> None:
    pixels = seen(surroundings, hfov_deg=WIDE_DEG)
    bent = '{"model": "brown", "k1": -0.1}'
    straight = photo_picture(photo_of(pixels), PhotoMetadata(hfov_deg=WIDE_DEG))
    shown = photo_picture(photo_of(pixels), PhotoMetadata(hfov_deg=WIDE_DEG, distortion=bent))
    assert shown.shape == straight.shape
    middle = np.s_[shown.shape[0] // 2, shown.shape[1] // 2]
    assert np.abs(shown[middle].astype(int) - straight[middle]).max() <= 12
    assert np.abs(shown.astype(int) - straight).mean() > 1


@pytest.mark.parametrize("roll_deg", [25.0, -40.0])
def test_a_camera_on_its_side_is_levelled(surroundings: RgbImage, roll_deg: float) -> None:
    level = seen(surroundings, hfov_deg=67)
    leaning = seen(surroundings, hfov_deg=67, roll_deg=roll_deg)
    shown = photo_picture(photo_of(leaning), PhotoMetadata(hfov_deg=67.0, roll_deg=roll_deg))
    inner = np.s_[80:160, 110:210]  # what the turn leaves in the picture
    assert np.abs(shown[inner].astype(int) - level[inner]).mean() < 4
    assert np.abs(leaning[inner].astype(int) - level[inner]).mean() > 8


def test_a_panorama_is_cut_into_level_views_all_around(surroundings: RgbImage) -> None:
    size = ImageSize(48, 64)
    views = panorama_pictures(photo_of(surroundings), PhotoMetadata(), size=size, views=8)
    assert views.shape == (8, 48, 64, 3)
    camera = Camera.from_hfov(64, 48, 80.0)
    for turn, view in enumerate(views):
        expected = panorama_to_perspective(
            surroundings,
            Panorama.whole(360, 180),
            camera=camera,
            pose=Pose(45.0 * turn, 0.0, 0.0, 0.0),
        )
        np.testing.assert_array_equal(view, expected)


def test_views_that_a_strip_does_not_show_are_left_out(surroundings: RgbImage) -> None:
    frame = Panorama(360, 180, left_px=90, top_px=0)
    strip = np.ascontiguousarray(surroundings[:, 90:270])
    stated = PhotoMetadata(panorama=frame)
    size = ImageSize(48, 64)
    views = panorama_pictures(photo_of(strip), stated, size=size, views=8)
    assert len(views) == 3
    assert all(view.any(axis=2).mean() >= 0.6 for view in views)


def test_a_black_panorama_has_views_all_the_same() -> None:
    black = np.zeros((90, 180, 3), np.uint8)
    views = panorama_pictures(photo_of(black), PhotoMetadata(), size=ImageSize(48, 64), views=4)
    assert len(views) == 4
