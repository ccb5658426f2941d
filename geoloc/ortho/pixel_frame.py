"""Pixels of a detector -> pixels of the upright photo that geoloc counts in."""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import InputError
from geoloc.image_size import ImageSize
from geoloc.options import PixelChoice
from geoloc.results.schema import PhotoResult

# A detector may round, and pad a little; another size of photo shows as much more.
_ASPECT_SLACK = 0.02
_OUTSIDE_SLACK = 0.02


def upright_pixels(
    pixels: Float64Array, row: PhotoResult, size_px: ImageSize | None, choice: PixelChoice
) -> Float64Array:
    """Pixels (N, 2) of the upright photo in its full size.

    Args:
        pixels: Pixels (N, 2) of the detector.
        row: The photo's row, which states its size.
        size_px: Size of the photo that the detector saw; None is the photo's own.
        choice: Whether the detector saw the photo upright, or as its file is stored.

    Raises:
        InputError: The photo has other proportions, or a pixel lies outside of it.
    """
    width, height = row.photo_width or 0, row.photo_height or 0
    turn = (row.rotation or 0) if choice == "stored" else 0
    seen = ImageSize(width, height) if turn in (90, 270) else ImageSize(height, width)
    if size_px is None:
        size_px = seen
    scale = np.array([seen.width_px / size_px.width_px, seen.height_px / size_px.height_px])
    is_share = size_px == ImageSize(1, 1)
    if not is_share and abs(scale[0] / scale[1] - 1) > _ASPECT_SLACK:
        advice = "; --pixels stored may help" if row.rotation and choice == "upright" else ""
        raise InputError(
            f"its pixels are of {size_px.width_px} x {size_px.height_px}, the photo is "
            f"{seen.width_px} x {seen.height_px}{advice}"
        )
    x, y = (np.asarray(pixels, np.float64) * scale).T
    turned = {90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}
    upright = np.column_stack(turned.get(turn, (x, y)))
    limits = np.array([width, height], np.float64)
    slack = _OUTSIDE_SLACK * limits
    if (upright < -slack).any() or (upright > limits + slack).any():
        raise InputError(
            f"it lies outside of the photo, which is {width} x {height} px; are its pixels counted "
            "in another size?"
        )
    return np.asarray(np.clip(upright, 0, limits), np.float64)
