"""One thing that was seen in a photo: a point, a box or a polygon in its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.image_size import ImageSize

DetectionKind = Literal["point", "line", "box", "polygon"]

# What YOLO's coordinates are shares of.
NORMALISED = ImageSize(1, 1)


@dataclass(frozen=True, eq=False)
class Detection:
    """Something that was seen in a photo.

    Attributes:
        name: Its name in the file of detections: a number, or a line.
        photo: The photo, as that file calls it.
        kind: What was drawn.
        parts: Its points (N, 2) in pixels: a box by its corners, a polygon by its outer ring, a
            group by several; rings are open.
        label: What it is.
        score: How sure the detector was.
        size_px: Size of the photo that the pixels are counted in; None is the photo's own.
        error: Why it is no thing to be placed; its parts are empty then.
    """

    name: str
    photo: str
    kind: DetectionKind
    parts: tuple[Float64Array, ...]
    label: str | None = None
    score: float | None = None
    size_px: ImageSize | None = None
    error: str | None = None


def box_corners(left: float, top: float, width: float, height: float) -> Float64Array:
    """The corners (4, 2) of a box, clockwise from the upper left."""
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def pairs(values: list[float]) -> Float64Array:
    """x, y, x, y, ... as points (N, 2).

    Raises:
        ValueError: They are an odd number, or no finite numbers.
    """
    points = np.array(values, np.float64)
    if points.ndim != 1 or len(points) % 2 or not np.isfinite(points).all():
        raise ValueError("coordinates are not pairs of finite numbers")
    return points.reshape(-1, 2)
