"""Degraded photos: how far they are from the map, and that other ground takes its place."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geoloc.arrays import FloatArray, RgbImage
from geoloc.learning.calibration.degradation import DegradationParameters, degrade

NOTHING = DegradationParameters(
    least_detail=0.0,
    most_detail=0.0,
    most_changed=0.0,
    most_shifted=0.0,
    least_disturbed=0.0,
    most_disturbed=0.0,
)


def ground(seed: int) -> RgbImage:
    """Coarse and fine texture (90, 160, 3) that is no other's."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.uniform(60, 190, (9, 16, 3)).astype(np.float32), (160, 90))
    return np.asarray(coarse + rng.normal(0, 12, (90, 160, 3)), np.uint8)


def degraded(parameters: DegradationParameters, seed: int = 0) -> RgbImage:
    rng = np.random.default_rng(seed)
    return degrade(ground(1), ground(2), rng, map_px=0.4, parameters=parameters)


def likeness(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def fine(image: RgbImage) -> FloatArray:
    pixels = image.astype(np.float32)
    return np.asarray(pixels - cv2.GaussianBlur(pixels, (0, 0), 1.5), np.float32)


def test_without_any_of_it_the_photo_stays() -> None:
    away = degraded(NOTHING).astype(int) - ground(1)
    assert np.abs(away).max() <= 1


def test_the_same_chances_give_the_same_photo_and_others_another() -> None:
    assert (degraded(DegradationParameters()) == degraded(DegradationParameters())).all()
    assert (degraded(DegradationParameters()) != degraded(DegradationParameters(), 1)).any()


def test_fine_detail_becomes_that_of_other_ground_and_coarse_forms_stay() -> None:
    made = degraded(replace(NOTHING, least_detail=1.0, most_detail=1.0))
    assert likeness(fine(made), fine(ground(2))) > 0.9
    assert abs(likeness(fine(made), fine(ground(1)))) < 0.2
    smooth, of_map, of_other = (
        cv2.GaussianBlur(each.astype(np.float32), (0, 0), 9.0)
        for each in (made, ground(1), ground(2))
    )
    assert likeness(smooth, of_map) > 0.95
    assert likeness(smooth, of_other) < 0.5


@pytest.mark.parametrize("most", [0.3, 0.9])
def test_no_more_than_a_share_of_the_ground_has_changed(most: float) -> None:
    shares = []
    for seed in range(30):
        made = degraded(replace(NOTHING, most_changed=most), seed)
        shares.append(float((np.abs(made.astype(int) - ground(1)) > 1).any(axis=2).mean()))
    assert max(shares) <= most + 0.01
    assert max(shares) > 0.4 * most
    assert min(shares) < 0.1


def test_tones_are_shifted_no_further_than_told() -> None:
    away = degraded(replace(NOTHING, most_shifted=0.2)).astype(int) - ground(1)
    assert 3 < np.abs(away).max() <= 0.2 * 255 + 1
