"""Augmentation of a pair: both images turn together, and each changes its look on its own.

Joint flips and quarter turns as Sample4Geo does them, the changes of one image as in Sample4Geo and
MEAN (ranges from their published settings), and what a street photo lacks: directions that it does
not show, and an unknown heading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from geoloc.arrays import Float32Array, RgbImage
from geoloc.learning.training.data.photometric import LUMA, compress
from geoloc.learning.training.recipe import AugmentationChoice
from geoloc.models.view import View

NO_AUGMENTATION = AugmentationChoice(
    flip=0.0, quarter_turns=0.0, jpeg=0.0, jitter=0.0, sharpness=0.0, dropout=0.0
)


def augment(
    query: RgbImage,
    reference: RgbImage,
    rng: np.random.Generator,
    choice: AugmentationChoice,
    *,
    query_view: View,
) -> tuple[RgbImage, RgbImage]:
    """Query and reference, changed together where their geometry is concerned.

    Pixels that are black, because nothing was seen there, stay black.

    Args:
        query: (H, W, 3) uint8; with ``ground`` a ring whose middle column is north.
        reference: (H, W, 3) uint8.
        rng: All chances come from it.
        choice: Probability and strength of each change.
        query_view: View of the query. With ``satellite`` the reference is a drone photo.
    """
    if rng.random() < choice.flip:
        query, reference = query[:, ::-1], reference[:, ::-1]
    if rng.random() < choice.quarter_turns:
        turns = int(rng.integers(1, 4))
        query, reference = _turn_pair(query, reference, turns, choice, query_view)
    of_query = replace(
        choice,
        contrast=_else(choice.query_contrast, choice.contrast),
        grid_ratio=_else(choice.query_grid_ratio, choice.grid_ratio),
    )
    query, reference = _disturb(query, rng, of_query), _disturb(reference, rng, choice)
    if query_view == "ground":
        query = _limit_ring(query, rng, choice)
    return query, reference


def turn_ring(ring: RgbImage, turns: int) -> RgbImage:
    """A ring (H, W, 3) as it belongs to a tile turned by `turns` quarters counter-clockwise.

    What was `turns` times 90 degrees clockwise of north is then in the middle.
    """
    return np.roll(ring, -(ring.shape[1] // 4) * turns, axis=1)


def _turn_pair(
    query: RgbImage, reference: RgbImage, turns: int, choice: AugmentationChoice, view: View
) -> tuple[RgbImage, RgbImage]:
    """Turn the satellite image, and the other image with it if that is the choice."""
    if view == "satellite":
        drone, satellite = _turn_pair(reference, query, turns, choice, "drone")
        return satellite, drone
    if view == "ground":
        query = turn_ring(query, turns) if choice.turned == "both" else query
        return query, np.rot90(reference, turns)
    if choice.turned == "both":
        # A photo that is not square keeps its shape only when it is turned upside down.
        turns = turns if query.shape[0] == query.shape[1] else 2
        query = np.rot90(query, turns)
    return query, np.rot90(reference, turns)


def _disturb(image: RgbImage, rng: np.random.Generator, choice: AugmentationChoice) -> RgbImage:
    """What another camera would have made of the image (H, W, 3)."""
    image = np.ascontiguousarray(image)
    seen = image.any(axis=2, keepdims=True)
    if rng.random() < choice.jpeg:
        quality = int(rng.integers(*choice.jpeg_quality, endpoint=True))
        image = compress(image[..., ::-1], quality=quality)[..., ::-1]
    if rng.random() < choice.jitter:
        image = _jitter(image, rng, choice)
    if rng.random() < choice.sharpness:
        image = _blur(image, rng) if rng.random() < 0.5 else _sharpen(image, rng)
    if rng.random() < choice.dropout:
        image = _drop_grid(image, rng, choice) if rng.random() < 0.5 else _drop(image, rng, choice)
    return np.asarray(image * seen, np.uint8)


def _jitter(image: RgbImage, rng: np.random.Generator, choice: AugmentationChoice) -> RgbImage:
    """Brightness, contrast, saturation and hue in random order."""
    brightness, contrast, saturation = (
        1 + rng.uniform(-far, far)
        for far in (choice.brightness, choice.contrast, choice.saturation)
    )
    hue = rng.uniform(-choice.hue, choice.hue)
    steps: list[Callable[[RgbImage], RgbImage]] = [
        lambda pixels: _mix(pixels, np.float32(0), brightness),
        lambda pixels: _mix(pixels, np.float32((pixels @ LUMA).mean()), contrast),
        lambda pixels: _mix(pixels, (pixels @ LUMA)[..., None], saturation),
        lambda pixels: _shift_hue(pixels, hue),
    ]
    for step in rng.permutation(4):
        image = steps[step](image)
    return image


def _mix(image: RgbImage, base: np.float32 | Float32Array, share: float) -> RgbImage:
    """Away from `base` where the share exceeds 1, towards it otherwise."""
    mixed = base + (image - base) * np.float32(share)
    return np.asarray(np.clip(mixed + np.float32(0.5), 0, 255), np.uint8)


def _shift_hue(image: RgbImage, turns: float) -> RgbImage:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)  # hue counts 180 to a turn
    hsv[..., 0] = ((hsv[..., 0].astype(np.int16) + round(turns * 180)) % 180).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def _blur(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Out of focus, or moved: a Gaussian that may be longer one way."""
    side = int(rng.choice([3, 5, 7]))
    sigma_x, sigma_y = (float(sigma) for sigma in rng.uniform(0.2, 1.0, 2) * side / 3)
    return np.asarray(cv2.GaussianBlur(image, (side, side), sigma_x, sigmaY=sigma_y), np.uint8)


def _sharpen(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    soft = cv2.GaussianBlur(image, (0, 0), 1.0)
    amount = float(rng.uniform(0.5, 1.5))
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)


def _drop_grid(image: RgbImage, rng: np.random.Generator, choice: AugmentationChoice) -> RgbImage:
    """Black squares on a grid of random pitch and phase."""
    height, width = image.shape[:2]
    pitch = int(rng.integers(max(2, min(height, width) // 10), max(3, min(height, width) // 2)))
    hole = pitch * choice.grid_ratio
    rows, cols = (
        (np.arange(length) + rng.integers(pitch)) % pitch < hole for length in (height, width)
    )
    return np.asarray(image * ~(rows[:, None] & cols)[..., None], np.uint8)


def _drop(image: RgbImage, rng: np.random.Generator, choice: AugmentationChoice) -> RgbImage:
    """Black rectangles anywhere."""
    height, width = image.shape[:2]
    dropped = image.copy()
    for _ in range(int(rng.integers(*choice.holes, endpoint=True))):
        sides = rng.uniform(*choice.hole_side, 2) * min(height, width)
        rows, cols = (max(1, round(float(side))) for side in sides)
        top, left = (int(rng.integers(max(1, n - k))) for n, k in ((height, rows), (width, cols)))
        dropped[top : top + rows, left : left + cols] = 0
    return dropped


def _limit_ring(ring: RgbImage, rng: np.random.Generator, choice: AugmentationChoice) -> RgbImage:
    """The ring with one sector only, and rolled by an unknown heading."""
    width = ring.shape[1]
    if rng.random() < choice.sector:
        seen = round(rng.uniform(*choice.sector_deg) / 360 * width)
        columns = (np.arange(width) - rng.integers(width)) % width < seen
        ring = np.asarray(ring * columns[None, :, None], np.uint8)
    if rng.random() < choice.roll:
        ring = np.roll(ring, int(rng.integers(width)), axis=1)
    return ring


def _else(value: float | None, default: float) -> float:
    return default if value is None else value
