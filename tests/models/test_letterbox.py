"""Letterbox: whole photos in the middle of a black input, made smaller as scikit-image does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from geoloc.image_size import ImageSize
from geoloc.models.letterbox import fitted_size, letterbox

SIZE = ImageSize(48, 64)


def _noise(height_px: int, width_px: int) -> np.ndarray:
    rng = np.random.default_rng(height_px)
    fine = rng.integers(0, 256, (height_px, width_px, 3)).astype(np.float64)
    coarse = rng.integers(0, 256, (height_px // 8 + 1, width_px // 8 + 1, 3))
    coarse = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height_px, :width_px]
    return ((fine + coarse) / 2).astype(np.uint8)


def _as_scikit_image(photo: np.ndarray, size: ImageSize) -> np.ndarray:
    """Its resize with anti-aliasing: a Gaussian, then linear interpolation, in float64."""
    factors = [before / after for before, after in zip(photo.shape[:2], size, strict=True)]
    sigmas = [max(0.0, (factor - 1) / 2) for factor in factors]
    channels = []
    for channel in np.moveaxis(photo / 255, -1, 0):
        blurred = ndimage.gaussian_filter(channel, sigmas, mode="grid-constant")
        zooms = [1 / factor for factor in factors]
        channels.append(ndimage.zoom(blurred, zooms, order=1, mode="grid-constant", grid_mode=True))
    return (255 * np.stack(channels, axis=-1).clip(0, 1)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(96, 128), (150, 200), (107, 301), (333, 200)])
def test_a_photo_shrinks_as_in_scikit_image(shape: tuple[int, int]) -> None:
    photo = _noise(*shape)
    rows, cols = size = fitted_size(ImageSize(*shape), SIZE)
    top, left = (48 - rows) // 2, (64 - cols) // 2
    found = letterbox(photo, SIZE)[top : top + rows, left : left + cols]
    difference = np.abs(found.astype(int) - _as_scikit_image(photo, size))
    assert difference.max() <= 1
    assert difference.mean() < 0.02


@pytest.mark.parametrize(
    ("photo", "fitted"),
    [
        ((96, 128), (48, 64)),
        ((24, 32), (48, 64)),
        ((200, 100), (48, 24)),
        ((100, 201), (31, 64)),
        ((3, 1000), (1, 64)),
        ((48, 64), (48, 64)),
    ],
)
def test_sides_keep_their_proportion_and_are_rounded_down(
    photo: tuple[int, int], fitted: tuple[int, int]
) -> None:
    assert fitted_size(ImageSize(*photo), SIZE) == fitted


def test_half_of_the_gap_lies_before_and_all_of_it_is_black() -> None:
    found = letterbox(np.full((200, 75, 3), 255, np.uint8), SIZE)
    assert found.shape == (48, 64, 3)
    lit = found.any(axis=2)
    assert np.flatnonzero(lit.any(axis=0)).tolist() == list(range(23, 41))
    assert found[4:-4, 27:37].min() == 255  # the blur darkens the edges only
    assert lit.any(axis=1).all()


def test_a_small_photo_is_enlarged_to_the_edges() -> None:
    found = letterbox(np.full((12, 12, 3), 200, np.uint8), SIZE)
    assert (found[:, 8:56] == 200).all()
    assert not found[:, :8].any()
    assert not found[:, 56:].any()
