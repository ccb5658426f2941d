"""The size of an image as one type, so that no pair of numbers has to say which comes first."""

from __future__ import annotations

from typing import NamedTuple


class ImageSize(NamedTuple):
    """Height and width of an image, in the order of an array's shape.

    Attributes:
        height_px: Rows of pixels.
        width_px: Columns of pixels.
    """

    height_px: int
    width_px: int
