"""What lies between a map and a photo of its ground: years, seasons, light, and the camera.

Pixels of the map alone are found too easily. What makes real photos hard is that much of the ground
has changed, and that fine detail looks otherwise in another season; so both are taken from *other*
ground, which a search may be misled by, and not from noise, which it would pass over.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import FloatArray, Mask, RgbImage
from geoloc.learning.training.data.photometric import disturb


@dataclass(frozen=True, kw_only=True)
class DegradationParameters:
    """How far the hardest photos are from the map; each photo gets a share of it, from none on."""

    # Share of the fine detail that is another one: of the easiest photos, of the hardest. Fine is
    # what is smaller than a standard deviation of so many pixels of the map.
    least_detail: float = 0.5
    most_detail: float = 0.95
    detail_map_px: float = 9.0
    # Share of the ground that has changed since.
    most_changed: float = 0.4
    # How far a tone may be shifted from where it was, of the whole range: what was the darker of
    # two grounds may be the brighter one in another season.
    most_shifted: float = 0.15
    # Light, colours, haze, shadows, blur, noise, compression, as `photometric.disturb` has them.
    least_disturbed: float = 0.5
    most_disturbed: float = 1.2


DEGRADATION = DegradationParameters()


def degrade(
    photo: RgbImage,
    other: RgbImage,
    rng: np.random.Generator,
    *,
    map_px: float,
    parameters: DegradationParameters = DEGRADATION,
) -> RgbImage:
    """A photo (H, W, 3) as it would look on another day, some easy and some hopeless.

    Args:
        photo: Pixels of the map, seen by a camera.
        other: Those of other ground, as large.
        rng: All chances come from it.
        map_px: Side of a pixel of the map in pixels of the photo.
        parameters: How far it goes.
    """
    p, hardness = parameters, rng.random()
    pixels, others = photo.astype(np.float32), other.astype(np.float32)
    detail_px = p.detail_map_px * map_px
    smooth, others_smooth = (_without_detail(each, detail_px) for each in (pixels, others))
    share = np.float32(p.least_detail + hardness * (p.most_detail - p.least_detail))
    detail = (1 - share) * (pixels - smooth) + share * (others - others_smooth)
    pixels = np.asarray(smooth + detail, np.float32)
    pixels = _shift_tones(pixels, hardness * rng.uniform(0, p.most_shifted), rng)
    is_changed = _patches(photo.shape[:2], hardness * rng.uniform(0, p.most_changed), rng)
    pixels[is_changed] = others[is_changed]
    strength = p.least_disturbed + hardness * (p.most_disturbed - p.least_disturbed)
    mixed: RgbImage = np.clip(pixels, 0, 255).astype(np.uint8)
    return disturb(mixed, rng, strength=strength)


def _without_detail(pixels: FloatArray, detail_px: float) -> FloatArray:
    """Pixels (H, W, 3) without what is smaller; shrunk first, since wide kernels take long."""
    height, width = pixels.shape[:2]
    shrink = max(1, int(detail_px / 4))
    size = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), detail_px / shrink)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)


def _shift_tones(pixels: FloatArray, most: float, rng: np.random.Generator) -> FloatArray:
    """Pixels from 0 to 255 whose tones are shifted, some up and some down."""
    tones = np.clip(pixels, 0, 255) / np.float32(255)
    waves, phase = rng.uniform(1, 2), rng.uniform(0, 2 * np.pi)
    shifted = tones + np.float32(most) * np.sin(2 * np.pi * waves * tones + phase)
    return np.asarray(255 * np.clip(shifted, 0, 1), np.float32)


def _patches(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Mask:
    """Whether each pixel lies in one of the patches (H, W) that together cover a share."""
    cells = rng.normal(0, 1, (9, 16)).astype(np.float32)
    field = np.asarray(cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_CUBIC))
    return np.asarray(field < np.quantile(field, share), bool)
