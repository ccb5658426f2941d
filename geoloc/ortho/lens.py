"""Lens distortion: from where a pinhole would show a point to where the photo shows it, and back.

Coordinates are those of the image plane one unit ahead of the camera: x right, y down, the optical
axis at (0, 0).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError

_BROWN = ("k1", "k2", "k3", "p1", "p2")
_MOST_STEPS = 60
_EXACT, _SETTLED = 1e-9, 1e-6


class Lens(Protocol):
    """What a lens does to a pinhole's picture."""

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Where the photo shows (N, 2) what a pinhole would show at `xy` (N, 2)."""

    def undistorted(self, xy: Float64Array) -> Float64Array:
        """Where a pinhole would show (N, 2) what the photo shows at `xy` (N, 2)."""


class Pinhole:
    """A lens without distortion."""

    def distorted(self, xy: Float64Array) -> Float64Array:
        """The same points."""
        return xy

    def undistorted(self, xy: Float64Array) -> Float64Array:
        """The same points."""
        return xy


@dataclass(frozen=True)
class BrownLens:
    """Radial and tangential distortion (Brown 1966), with the names and signs of OpenCV."""

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Where the photo shows (N, 2) what a pinhole would show at `xy` (N, 2)."""
        x, y = xy[:, 0], xy[:, 1]
        square = x * x + y * y
        radial = 1 + square * (self.k1 + square * (self.k2 + square * self.k3))
        across = 2 * self.p1 * x * y + self.p2 * (square + 2 * x * x)
        along = self.p1 * (square + 2 * y * y) + 2 * self.p2 * x * y
        return np.column_stack([x * radial + across, y * radial + along])

    def undistorted(self, xy: Float64Array) -> Float64Array:
        """Where a pinhole would show (N, 2) what the photo shows at `xy` (N, 2).

        By steps that each undo what is left; NaN where they do not settle.
        """
        ideal = np.array(xy, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MOST_STEPS):
                left = xy - self.distorted(ideal)
                ideal += left
                if not (np.abs(left) > _EXACT).any():
                    break
        ideal[~(np.abs(left) <= _SETTLED).all(axis=1)] = np.nan
        return ideal


PINHOLE = Pinhole()


def lens_of(distortion: str | None) -> Lens:
    """The lens that the column `distortion` of a row states.

    Args:
        distortion: JSON: ``{"model": "brown", "k1": ...}``, with any of k1, k2, k3, p1 and p2; None
            for a lens without distortion.

    Raises:
        PhotoError: It is of another model, or its coefficients are no numbers.
    """
    if not distortion:
        return PINHOLE
    try:
        stated = json.loads(distortion)
        model = stated.get("model")
        values = {name: float(stated.get(name) or 0.0) for name in _BROWN}
    except (ValueError, TypeError, AttributeError) as error:
        raise PhotoError(
            f"its lens distortion {distortion!r} is no JSON of coefficients"
        ) from error
    if model != "brown" or not all(map(math.isfinite, values.values())):
        message = f"its lens distortion is of the model {model!r}, or has odd coefficients"
        raise PhotoError(f"{message}; expected finite ones of the model 'brown'")
    return BrownLens(**values)
