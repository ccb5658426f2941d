"""Pictures for a network that takes photos whole: level, and no wider than photos usually are.

Such a network learns from the photos of phones, dash and action cameras as they are: lenses bend
lines in many of them, few state how, and so nothing is rectified that looks like these. What it has
never seen are photos far wider, cameras that lie on their side, and panoramas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import RgbBatch, RgbImage
from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.lens import lens_of
from geoloc.geometry.panorama import panorama_to_perspective
from geoloc.geometry.undistortion import undistort
from geoloc.image_size import ImageSize
from geoloc.photos.kind import panorama_of, street_camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo


@dataclass(frozen=True)
class PictureParameters:
    """What of a photo a network is shown that takes photos whole."""

    # Action cameras see 120 degrees; of a photo that is stated to be wider only the middle is
    # shown, without the bend of its lens where that is stated.
    widest_deg: float = 120.0
    middle_deg: float = 90.0
    middle_aspect: float = 4 / 3
    # So far leans a camera that a hand holds level.
    leaning_deg: float = 10.0
    # A panorama is cut into views as wide as photos are, which overlap by less than a half.
    view_deg: float = 80.0
    views: int = 8
    views_low: int = 4
    # A view of a panorama that is not a whole turn counts when it is seen to so much.
    least_seen: float = 0.6


PICTURE = PictureParameters()


def photo_picture(
    photo: Photo, metadata: PhotoMetadata, parameters: PictureParameters = PICTURE
) -> RgbImage:
    """A street photo (h, w, 3) as a network takes it whole.

    Args:
        photo: The photo, upright.
        metadata: What is known of it.
        parameters: What is too wide, and what leans.

    Raises:
        PhotoError: The distortion of its lens is stated in a way that nobody can read.
    """
    pixels = photo.pixels
    camera = street_camera_of(metadata, pixels.shape[1], pixels.shape[0])
    if max(camera.hfov_deg, camera.vfov_deg) > parameters.widest_deg:
        straight = undistort(pixels, camera, lens_of(metadata.distortion))
        pixels = _middle(straight, camera, parameters)
    roll_deg = metadata.roll_deg or 0.0
    return _levelled(pixels, roll_deg) if abs(roll_deg) > parameters.leaning_deg else pixels


def panorama_pictures(
    photo: Photo,
    metadata: PhotoMetadata,
    *,
    size: ImageSize,
    views: int,
    parameters: PictureParameters = PICTURE,
) -> RgbBatch:
    """Level views (V, h, w, 3) all around a panorama, without those that it hardly shows.

    Args:
        photo: The panorama, upright.
        metadata: What is known of it.
        size: Size of a view.
        views: How many there are in a whole turn.
        parameters: How wide they are, and how much of one has to be seen.
    """
    height, width = photo.pixels.shape[:2]
    frame = panorama_of(metadata, width, height, full_width_px=photo.full_width_px)
    camera = Camera.from_hfov(size.width_px, size.height_px, parameters.view_deg)
    pictures = np.stack(
        [
            panorama_to_perspective(
                photo.pixels, frame, camera=camera, pose=Pose(360 * view / views, 0.0, 0.0, 0.0)
            )
            for view in range(views)
        ]
    )
    seen = pictures.any(axis=3).mean(axis=(1, 2))
    return np.asarray(pictures[seen >= min(parameters.least_seen, seen.max())], np.uint8)


def _middle(pixels: RgbImage, camera: Camera, parameters: PictureParameters) -> RgbImage:
    """The middle of a photo, as wide as photos usually are."""
    half_px = camera.focal_px * math.tan(math.radians(parameters.middle_deg) / 2)
    columns = _around(camera.width_px, half_px)
    rows = _around(camera.height_px, half_px / parameters.middle_aspect)
    return np.ascontiguousarray(pixels[rows, columns])


def _around(side_px: int, half_px: float) -> slice:
    """The pixels of a side that lie so near to its middle; one at least."""
    first = max(0, round(side_px / 2 - half_px))
    return slice(first, max(first + 1, min(side_px, round(side_px / 2 + half_px))))


def _levelled(pixels: RgbImage, roll_deg: float) -> RgbImage:
    """A photo turned about its middle by the roll of its camera; what comes in is black."""
    height, width = pixels.shape[:2]
    # OpenCV's pixel centres are whole numbers, and its angles turn counterclockwise.
    middle = (width / 2 - 0.5, height / 2 - 0.5)
    turn = cv2.getRotationMatrix2D(middle, -roll_deg, 1.0)
    return np.asarray(cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR))
