"""Letterbox: a photo is fitted whole into an input, its sides kept in proportion, on black.

Networks remember how their training photos were made smaller. Fervers et al. (ECCV 2024) blur by a
Gaussian and interpolate linearly, as scikit-image resizes; a mean over areas differs from that by
3.6 grey levels on average, and linear interpolation alone by up to 15 (measured on 1/f noise).
"""

from __future__ import annotations

import cv2
import numpy as np

from geoloc.arrays import Float32Array, RgbBatch
from geoloc.image_size import ImageSize

# Where scipy ends a Gaussian, in standard deviations.
_TRUNCATE = 4.0
# A white pixel stays white although the weights of a blur in float32 do not quite sum to one.
_ROUNDING = 1e-3


def letterbox(photo: RgbBatch, size: ImageSize) -> RgbBatch:
    """Fit a photo into an input of another shape, enlarged where it is smaller.

    Args:
        photo: (H, W, 3) RGB bytes, upright.
        size: Size of the input.

    Returns:
        (height, width, 3) bytes: the photo in the middle, black beside it.
    """
    rows, cols = fitted_size(ImageSize(photo.shape[0], photo.shape[1]), size)
    fitted = np.zeros((*size, 3), np.uint8)
    top, left = (size.height_px - rows) // 2, (size.width_px - cols) // 2
    fitted[top : top + rows, left : left + cols] = _resize(photo, ImageSize(rows, cols))
    return fitted


def fitted_size(photo: ImageSize, size: ImageSize) -> ImageSize:
    """The largest size of a photo's shape that fits into `size`, sides rounded down."""
    height_px, width_px = photo
    if size.height_px * width_px <= size.width_px * height_px:
        return ImageSize(size.height_px, max(1, width_px * size.height_px // height_px))
    return ImageSize(max(1, height_px * size.width_px // width_px), size.width_px)


def _resize(photo: RgbBatch, size: ImageSize) -> RgbBatch:
    """Blurred as much as it shrinks, interpolated linearly, cut to whole grey levels.

    Beyond the edge the blur sees black, as that of the network's training photos does: it darkens
    the outermost row.
    """
    if photo.shape[:2] == size:
        return photo
    down, across = (
        _gaussian((before / after - 1) / 2)
        for before, after in zip(photo.shape[:2], size, strict=True)
    )
    blurred = cv2.sepFilter2D(photo, cv2.CV_32F, across, down, borderType=cv2.BORDER_CONSTANT)
    resized = cv2.resize(blurred, (size.width_px, size.height_px), interpolation=cv2.INTER_LINEAR)
    resized_bytes: RgbBatch = np.clip(resized + _ROUNDING, 0, 255).astype(np.uint8)
    return resized_bytes


def _gaussian(sigma_px: float) -> Float32Array:
    """Weights of a Gaussian that sum to one; a single one where nothing shrinks."""
    if sigma_px <= 0:
        return np.ones(1, np.float32)
    radius = int(_TRUNCATE * sigma_px + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    normed: Float32Array = (weights / weights.sum()).astype(np.float32)
    return normed
