"""Lens distortion: from where a pinhole would show a point to where the photo shows it, and back.

Coordinates are those of the image plane one unit ahead of the camera: x right, y down, the optical
axis at (0, 0).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError

_BROWN = ("k1", "k2", "k3", "p1", "p2")
_FISHEYE = ("q2", "q3", "q4")
_FISHEYE_STEPS = 2000
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


@dataclass(frozen=True)
class FisheyeLens:
    """A fisheye after Pix4D: a polynomial of the angle from the axis, then an affine map.

    Attributes:
        q2: Coefficients of the square of the angle, in quarter turns, after one of the angle.
        q3: Of the cube.
        q4: Of the fourth power.
        affine: Its four numbers by rows, over the focal length of the pinhole beside it, in which
            a quarter turn is half of pi.
    """

    q2: float = 0.0
    q3: float = 0.0
    q4: float = 0.0
    affine: tuple[float, float, float, float] = (math.pi / 2, 0.0, 0.0, math.pi / 2)

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Where the photo shows (N, 2) what a pinhole would show at `xy` (N, 2)."""
        away = np.hypot(*xy.T)
        turn = np.arctan(away) * 2 / math.pi
        share = self._bent(turn) / np.maximum(away, _EXACT)
        share = np.where(away > _EXACT, share, 2 / math.pi)
        return np.asarray((xy * share[:, None]) @ self._matrix.T)

    def undistorted(self, xy: Float64Array) -> Float64Array:
        """Where a pinhole would show (N, 2) what the photo shows at `xy` (N, 2); NaN past level."""
        flat = xy @ np.linalg.inv(self._matrix).T
        bent = np.hypot(*flat.T)
        turns = np.linspace(0, 1, _FISHEYE_STEPS)
        turn = np.interp(bent, self._bent(turns), turns, right=np.nan)
        away = np.tan(turn * math.pi / 2)
        share = np.where(bent > _EXACT, away / np.maximum(bent, _EXACT), math.pi / 2)
        return np.asarray(flat * share[:, None])

    @property
    def _matrix(self) -> Float64Array:
        return np.array(self.affine).reshape(2, 2)

    def _bent(self, turn: Float64Array) -> Float64Array:
        return np.asarray(turn * (1 + turn * (self.q2 + turn * (self.q3 + turn * self.q4))))


PINHOLE = Pinhole()


def lens_of(distortion: str | None) -> Lens:
    """The lens that the column `distortion` of a row states.

    Args:
        distortion: JSON: ``{"model": "brown", "k1": ...}``, with any of k1, k2, k3, p1 and p2, or
            ``{"model": "fisheye", "q2": ..., "affine": [...]}``; None for a lens without
            distortion.

    Raises:
        PhotoError: It is of another model, or its coefficients are no numbers.
    """
    if not distortion:
        return PINHOLE
    try:
        stated = json.loads(distortion)
        model = stated.get("model")
        names = {"brown": _BROWN, "fisheye": _FISHEYE}.get(model, ())
        values = {name: float(stated.get(name) or 0.0) for name in names}
        affine = tuple(float(one) for one in stated.get("affine") or FisheyeLens.affine)
    except (ValueError, TypeError, AttributeError) as error:
        raise PhotoError(
            f"its lens distortion {distortion!r} is no JSON of coefficients"
        ) from error
    if not names or len(affine) != 4 or not all(map(math.isfinite, (*values.values(), *affine))):
        message = f"its lens distortion is of the model {model!r}, or has odd coefficients"
        raise PhotoError(f"{message}; expected finite ones of the model 'brown' or 'fisheye'")
    return BrownLens(**values) if model == "brown" else FisheyeLens(**values, affine=affine)


def distortion_text(lens: Lens) -> str | None:
    """A lens as the column `distortion` states it; None without distortion."""
    if isinstance(lens, BrownLens):
        return json.dumps({"model": "brown", **asdict(lens)})
    return (
        json.dumps({"model": "fisheye", **asdict(lens)}) if isinstance(lens, FisheyeLens) else None
    )


def turned(lens: Lens, rotation_deg: int) -> Lens:
    """The lens over a picture that was turned clockwise by 0, 90, 180 or 270 degrees.

    The tangential part is a vector (p2, p1) of the picture; a fisheye stays as it is.
    """
    if not isinstance(lens, BrownLens):
        return lens
    right, down = lens.p2, lens.p1
    vectors = {90: (-down, right), 180: (-right, -down), 270: (down, -right)}
    p2, p1 = vectors.get(rotation_deg % 360, (right, down))
    return replace(lens, p1=p1, p2=p2)


def for_focal(lens: Lens, factor: float) -> Lens:
    """The lens that bends pixels as `lens` does, stated for another focal length.

    Args:
        lens: The lens; a fisheye stays as it is, for its angles are not those of another one.
        factor: The other focal length over its own.
    """
    if isinstance(lens, BrownLens):
        square = factor**2
        return BrownLens(
            lens.k1 * square,
            lens.k2 * square**2,
            lens.k3 * square**3,
            lens.p1 * factor,
            lens.p2 * factor,
        )
    return lens
