"""Photometric augmentation: another season, light, sensor and compression, the same geometry."""

from __future__ import annotations

import cv2
import numpy as np

from geoloc.arrays import FloatArray, RgbImage

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # shares of red, green, blue (BT.601)


def disturb(image: RgbImage, rng: np.random.Generator, *, strength: float) -> RgbImage:
    """The image (H, W, 3) uint8 as another camera would see it on another day.

    Args:
        image: RGB.
        rng: All chances come from it.
        strength: From 0, nothing, to 1, what two seasons and two sensors differ by.
    """
    pixels: FloatArray = image.astype(np.float32) / np.float32(255)
    if rng.random() < 0.5 * strength:
        pixels = _cast_shadow(pixels, rng)
    pixels = _grade(pixels, rng, strength)
    if rng.random() < 0.35 * strength:
        pixels = _haze(pixels, rng)
    if rng.random() < 0.3 * strength:
        pixels = _occlude(pixels, rng)
    if rng.random() < 0.4 * strength:
        pixels = np.asarray(
            cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.3, 1.2))), np.float32
        )
    if rng.random() < 0.4 * strength:
        pixels = pixels + rng.normal(0, rng.uniform(0.01, 0.04), pixels.shape).astype(np.float32)
    bytes_ = np.asarray(np.clip(pixels * 255, 0, 255), np.uint8)
    if rng.random() < 0.5 * strength:
        # OpenCV takes red for blue here. The bundled models learnt from it so, and it stays.
        bytes_ = compress(bytes_, quality=int(rng.integers(25, 90)))
    return bytes_


def _grade(pixels: FloatArray, rng: np.random.Generator, strength: float) -> FloatArray:
    """Gamma, gain of each channel, contrast, saturation, and a season's turn of the colours."""
    gamma = np.exp(rng.normal(0, 0.25 * strength))
    gains = np.exp(rng.normal(0, 0.08 * strength, 3) + rng.normal(0, 0.15 * strength))
    graded = np.clip(pixels, 0, 1) ** np.float32(gamma) * gains.astype(np.float32)
    grey = (graded @ LUMA)[..., None]
    saturation = 0.0 if rng.random() < 0.15 * strength else np.exp(rng.normal(0, 0.3 * strength))
    graded = grey + (graded - grey) * np.float32(saturation)
    contrast = np.exp(rng.normal(0, 0.25 * strength))
    middle = graded.mean()
    graded = middle + (graded - middle) * np.float32(contrast)
    # Meadows turn brown and crops yellow: a mild mixing of the channels.
    mixing = np.eye(3) + rng.normal(0, 0.05 * strength, (3, 3))
    return np.asarray(graded @ mixing.T.astype(np.float32), np.float32)


def _cast_shadow(pixels: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A few dark polygons: clouds, and shadows that fall another way."""
    height, width = pixels.shape[:2]
    mask = np.ones((height, width), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        corners = rng.uniform(0, (width, height)) + rng.normal(0, height / 8, (4, 2))
        cv2.fillConvexPoly(mask, corners.astype(np.int32), float(rng.uniform(0.35, 0.8)))
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 3))), np.float32)
    return pixels * mask[..., None]


def _haze(pixels: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A veil of one colour, as satellites see through."""
    share = np.float32(rng.uniform(0.1, 0.5))
    colour = rng.uniform(0.5, 0.9, 3).astype(np.float32)
    return pixels * (1 - share) + colour * share


def _occlude(pixels: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Patches of one colour: what was built, felled or parked since."""
    side, across = pixels.shape[:2]
    changed = pixels.copy()
    for _ in range(int(rng.integers(1, 5))):
        height, width = (rng.uniform(0.05, 0.25, 2) * side).astype(int)
        top, left = int(rng.integers(side - height)), int(rng.integers(across - width))
        patch = rng.uniform(0.1, 0.9, 3) + rng.normal(0, 0.05, (height, width, 3))
        changed[top : top + height, left : left + width] = patch
    return changed


def compress(image: RgbImage, *, quality: int) -> RgbImage:
    """What is left of an image (H, W, 3) after a JPEG, whose first channel is taken for blue."""
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
