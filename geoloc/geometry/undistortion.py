"""Undistortion: a photo's pixels as a pinhole of the same focal length shows them."""

from __future__ import annotations

import cv2
import numpy as np

from geoloc.arrays import RgbImage
from geoloc.geometry.camera import Camera
from geoloc.geometry.lens import PINHOLE, Lens


def undistort(pixels: RgbImage, camera: Camera, lens: Lens) -> RgbImage:
    """The pixels (H, W, 3) uint8 without the lens's distortion; the same ones where it has none.

    Args:
        pixels: The upright photo.
        camera: Its pinhole, of the size of the pixels.
        lens: What its lens does to a pinhole's picture.
    """
    if lens is PINHOLE:
        return pixels
    height, width = pixels.shape[:2]
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    middle = np.array([width, height]) / 2
    plane = (np.stack([columns.ravel(), rows.ravel()], 1) - middle) / camera.focal_px
    # OpenCV's pixel centres are whole numbers, ours lie at a half.
    seen = (lens.distorted(plane) * camera.focal_px + middle - 0.5).astype(np.float32)
    maps = seen.reshape(height, width, 2)
    return np.asarray(cv2.remap(pixels, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR), np.uint8)
