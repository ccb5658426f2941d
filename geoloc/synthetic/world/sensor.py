"""Sensor model: what it makes of a perfect picture: haze, colour cast, blur, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import ByteArray

_HAZE_RGB = np.array([196.0, 206.0, 220.0], np.float32)


@dataclass(frozen=True)
class Sensor:
    """How a picture is spoilt on its way.

    Attributes:
        gains: Red, green, blue.
        contrast: Around middle grey.
        gamma: Below 1 brightens the middle tones.
        haze: Share of light from the air, in [0, 1].
        blur_px: Standard deviation of the blur.
        noise: Standard deviation of the noise, in grey levels.
        vignette: Darkening of the corners against the middle, in [0, 1].
    """

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    gamma: float = 1.0
    haze: float = 0.0
    blur_px: float = 0.6
    noise: float = 2.0
    vignette: float = 0.0


MAP_SENSOR = Sensor(gains=(1.0, 1.0, 0.97), contrast=1.04, haze=0.06, blur_px=0.65, noise=1.5)


def random_sensor(rng: np.random.Generator) -> Sensor:
    """A drone camera of some make on some day."""
    red, blue = rng.normal(1.0, 0.05, 2)
    return Sensor(
        gains=(float(red), 1.0, float(blue)),
        contrast=float(rng.uniform(0.9, 1.2)),
        gamma=float(rng.uniform(0.85, 1.15)),
        haze=float(rng.uniform(0.0, 0.08)),
        blur_px=float(rng.uniform(0.5, 1.2)),
        noise=float(rng.uniform(1.5, 5.0)),
        vignette=float(rng.uniform(0.0, 0.25)),
    )


def expose(picture: ByteArray, sensor: Sensor, rng: np.random.Generator) -> ByteArray:
    """The picture (height, width, 3) as the sensor gives it."""
    seen: ByteArray = picture
    if sensor.blur_px > 0:
        seen = np.asarray(cv2.GaussianBlur(picture, (0, 0), sensor.blur_px), np.uint8)
    levels = np.arange(256, dtype=np.float32)[:, None]
    curve = 255 * (levels / 255) ** sensor.gamma
    curve = curve * (1 - sensor.haze) + _HAZE_RGB * sensor.haze
    curve = (curve - 128) * sensor.contrast + 128
    curve = np.clip(curve * np.array(sensor.gains, np.float32), 0, 255)
    seen = np.asarray(cv2.LUT(seen, np.rint(curve).astype(np.uint8)[None]), np.uint8)
    if sensor.vignette > 0:
        seen = _darken_corners(seen, sensor.vignette)
    if sensor.noise > 0:
        seen = _add_noise(seen, sensor.noise, rng)
    return seen


def _darken_corners(picture: ByteArray, vignette: float) -> ByteArray:
    """Falloff with the square of the distance from the middle."""
    height, width = picture.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    x = np.linspace(-1, 1, width, dtype=np.float32)[None] ** 2
    darker = 1 - vignette * (x + y) / 2
    return np.asarray(np.rint(picture * darker[..., None]), np.uint8)


def _add_noise(picture: ByteArray, deviation: float, rng: np.random.Generator) -> ByteArray:
    """Gaussian noise; one block of it is laid out as tiles, which no eye and no matcher sees."""
    side = 257  # no multiple of anything in the picture
    block = rng.normal(0, deviation, (side, side, 3)).astype(np.float32)
    rows, cols = (-(-n // side) for n in picture.shape[:2])
    noise = np.tile(block, (rows, cols, 1))[: picture.shape[0], : picture.shape[1]]
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)
