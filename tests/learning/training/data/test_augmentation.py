"""A pair stays a pair: a ring sampled from a tile still fits it after both were changed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.arrays import RgbImage
from geoloc.errors import OptionError
from geoloc.learning.training.data.augmentation import NO_AUGMENTATION, augment, turn_ring
from geoloc.learning.training.recipe import AugmentationChoice

SIDE, WIDTH, HEIGHT = 96, 128, 24
SIDES = np.arange(SIDE)


def tile(seed: int = 0) -> RgbImage:
    """Smooth blobs, so that sampling between pixels hardly matters."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 255, (8, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def ring_of(image: RgbImage) -> RgbImage:
    """What stands around the tile's middle: the middle column north, azimuth to the right."""
    azimuth = ((np.arange(WIDTH) + 0.5) / WIDTH - 0.5) * 2 * np.pi
    radius = np.linspace(0.45 * SIDE, 4, HEIGHT)[:, None]
    middle = (SIDE - 1) / 2
    xs = (middle + radius * np.sin(azimuth)).astype(np.float32)
    ys = (middle - radius * np.cos(azimuth)).astype(np.float32)
    return np.asarray(cv2.remap(image, xs, ys, cv2.INTER_LINEAR), np.uint8)


def difference(a: RgbImage, b: RgbImage) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@given(seed=st.integers(0, 10_000), flip=st.booleans(), turns=st.booleans())
def test_a_ring_fits_its_tile_after_flips_and_quarter_turns(
    seed: int, flip: bool, turns: bool
) -> None:
    choice = replace(NO_AUGMENTATION, flip=float(flip), quarter_turns=float(turns))
    image = tile(seed)
    rng = np.random.default_rng(seed)
    ring, satellite = augment(ring_of(image), image, rng, choice, query_view="ground")
    assert difference(ring, ring_of(satellite)) < 1.5
    if turns:
        assert difference(satellite, image) > 10


def test_the_wrong_turn_is_seen() -> None:
    image = tile()
    assert difference(turn_ring(ring_of(image), 1), ring_of(np.rot90(image, -1))) > 10


def test_east_is_in_the_middle_after_one_turn_of_the_tile() -> None:
    ring = np.zeros((4, 8, 3), np.uint8)
    ring[:, 6] = 255  # a quarter of the way to the right of the middle
    assert turn_ring(ring, 1)[0, 4].all()


@pytest.mark.parametrize("turned", ["both", "satellite"])
def test_a_drone_photo_turns_with_its_tile_or_not(turned: str) -> None:
    choice = replace(NO_AUGMENTATION, quarter_turns=1.0, turned=turned)
    image = tile()
    photo, satellite = augment(image, image, np.random.default_rng(1), choice, query_view="drone")
    np.testing.assert_array_equal(photo, satellite if turned == "both" else image)
    assert difference(satellite, image) > 10


def test_with_a_satellite_query_the_satellite_turns() -> None:
    choice = replace(NO_AUGMENTATION, quarter_turns=1.0, turned="satellite")
    image = tile()
    satellite, photo = augment(
        image, image, np.random.default_rng(1), choice, query_view="satellite"
    )
    np.testing.assert_array_equal(photo, image)
    assert difference(satellite, image) > 10


def test_an_oblong_photo_keeps_its_shape_and_its_tile() -> None:
    choice = replace(NO_AUGMENTATION, quarter_turns=1.0)
    image = tile()
    for seed in range(6):
        photo, satellite = augment(
            image[16:80], image, np.random.default_rng(seed), choice, query_view="drone"
        )
        np.testing.assert_array_equal(photo, satellite[16:80])


def test_a_sector_remains_of_a_ring() -> None:
    choice = replace(NO_AUGMENTATION, sector=1.0, sector_deg=(90.0, 90.0))
    image = tile()
    ring, satellite = augment(
        ring_of(image), image, np.random.default_rng(4), choice, query_view="ground"
    )
    seen = ring.any(axis=(0, 2))
    assert seen.sum() == WIDTH // 4
    assert np.abs(np.diff(np.concatenate([seen, seen[:1]]).astype(int))).sum() == 2
    np.testing.assert_array_equal(ring[:, seen], ring_of(image)[:, seen])
    np.testing.assert_array_equal(satellite, image)


def test_an_unknown_heading_rolls_the_ring_only() -> None:
    choice = replace(NO_AUGMENTATION, roll=1.0)
    image = tile()
    ring, satellite = augment(
        ring_of(image), image, np.random.default_rng(4), choice, query_view="ground"
    )
    np.testing.assert_array_equal(satellite, image)
    shifts = [k for k in range(WIDTH) if np.array_equal(np.roll(ring_of(image), k, axis=1), ring)]
    assert len(shifts) == 1


def test_drone_photos_have_no_sectors() -> None:
    choice = replace(NO_AUGMENTATION, roll=1.0, sector=1.0)
    photo, _ = augment(tile(), tile(), np.random.default_rng(4), choice, query_view="drone")
    np.testing.assert_array_equal(photo, tile())


EVERYTHING = AugmentationChoice(
    flip=1.0, quarter_turns=1.0, jpeg=1.0, jitter=1.0, sharpness=1.0, dropout=1.0,
    sector=0.5, roll=0.5,
)  # fmt: skip


@given(seed=st.integers(0, 10_000))
def test_the_same_chance_gives_the_same_pair(seed: int) -> None:
    image = tile()
    first, second = (
        augment(ring_of(image), image, np.random.default_rng(seed), EVERYTHING, query_view="ground")
        for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[0].shape == (HEIGHT, WIDTH, 3)
    assert first[1].shape == (SIDE, SIDE, 3)
    assert first[0].dtype == first[1].dtype == np.uint8


@given(seed=st.integers(0, 10_000))
def test_what_nobody_saw_stays_black(seed: int) -> None:
    photo = tile()
    photo[:, :40] = 0
    choice = replace(EVERYTHING, flip=0.0, quarter_turns=0.0)
    changed, _ = augment(photo, tile(), np.random.default_rng(seed), choice, query_view="drone")
    assert not changed[:, :40].any()


@pytest.mark.parametrize("part", ["jpeg", "jitter", "sharpness", "dropout"])
def test_each_part_changes_the_image_a_little(part: str) -> None:
    choice = replace(NO_AUGMENTATION, **{part: 1.0}, jpeg_quality=(20, 30))
    changes = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        photo, _ = augment(tile(), tile(), rng, choice, query_view="drone")
        changes.append(difference(photo, tile()))
    assert 0 < np.median(changes) < 60


def test_queries_may_have_a_contrast_of_their_own() -> None:
    still = replace(
        NO_AUGMENTATION, jitter=1.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0
    )
    choice = replace(still, query_contrast=0.7)
    photo, satellite = augment(tile(), tile(), np.random.default_rng(2), choice, query_view="drone")
    assert difference(satellite, tile()) < 3  # the way through HSV and back rounds
    assert difference(photo, tile()) > 5


def test_nothing_is_the_default_of_nothing() -> None:
    image = tile()
    rng = np.random.default_rng(0)
    photo, satellite = augment(image, image, rng, NO_AUGMENTATION, query_view="drone")
    np.testing.assert_array_equal(photo, image)
    np.testing.assert_array_equal(satellite, image)


def test_impossible_choices_are_refused() -> None:
    with pytest.raises(OptionError, match=r"flip = 1\.5"):
        AugmentationChoice(flip=1.5)
    with pytest.raises(OptionError, match="least and a greatest"):
        AugmentationChoice(jpeg_quality=(100, 90))
