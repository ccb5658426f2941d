"""Pairs show the same ground; pixel values are their own coordinates here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.arrays import RgbImage
from geoloc.learning.training.data.aerial_pairs import (
    Crop,
    PairMaker,
    cut_tile,
    shown_share,
    take_photo,
)
from geoloc.learning.training.data.photometric import disturb
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recipe import PairChoice

STILL = PairChoice(offset=0.0, turn_deg=0.0, zoom=(1.0, 1.0), tilt_deg=0.0, footprint=(4.0, 4.0))


def coordinates() -> RgbImage:
    """(256, 256, 3): the column in red, the row in green."""
    rows, cols = np.mgrid[0:256, 0:256]
    return np.stack([cols, rows, np.full_like(rows, 128)], axis=-1).astype(np.uint8)


def place(*, name: str = "a", dates: int = 1, side: int = 256) -> Place:
    rng = np.random.default_rng(len(name) + side)
    pixels = rng.integers(1, 255, (side, side, 3), np.uint8)
    return Place(name, name, (pixels,) * dates, 1.0, False)


def test_a_tile_shows_its_crop() -> None:
    tile = cut_tile(coordinates(), Crop(x=100, y=60, side=64), 32)
    assert tile.shape == (32, 32, 3)
    assert tile[..., 0].mean() == pytest.approx(99.5, abs=1)
    assert tile[..., 1].mean() == pytest.approx(59.5, abs=1)
    assert tile[0, -1, 0] - tile[0, 0, 0] == pytest.approx(62, abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_a_photo_without_errors_shows_the_tiles_ground(seed: int) -> None:
    crop = Crop(x=100, y=120, side=128)
    rng = np.random.default_rng(seed)
    photo = take_photo(coordinates(), crop, 32, choice=STILL, rng=rng).astype(int)
    tile = cut_tile(coordinates(), crop, 32).astype(int)
    # What is left is a stretch of some percent, zero in the middle.
    assert np.abs(photo - tile)[14:18, 14:18].max() <= 4
    assert np.abs(photo - tile).mean() < 8


def test_a_photos_middle_is_no_further_off_than_the_offset() -> None:
    choice = PairChoice(
        offset=0.25, turn_deg=0.0, zoom=(1.0, 1.0), tilt_deg=0.0, footprint=(4.0, 4.0)
    )
    crop = Crop(x=128, y=128, side=100)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        photo = take_photo(coordinates(), crop, 33, choice=choice, rng=rng)
        middle = photo[16, 16, :2].astype(float)
        assert np.abs(middle - 127.5).max() <= 0.25 * 100 + 2


def test_a_photo_is_black_where_it_ends() -> None:
    choice = PairChoice(footprint=(0.5, 0.5))
    rng = np.random.default_rng(0)
    photo = take_photo(coordinates() | 1, Crop(128, 128, 100), 64, choice=choice, rng=rng)
    assert not photo[0].any()
    assert photo[32, 32].any()


def test_the_same_step_gives_the_same_batch_and_the_next_another() -> None:
    maker = PairMaker([place(name="a" * n, dates=2) for n in range(1, 9)], PairChoice(), seed=3)
    first, again, other = maker.batch(0, 4, 32), maker.batch(0, 4, 32), maker.batch(1, 4, 32)
    assert np.array_equal(first.queries, again.queries)
    assert np.array_equal(first.references, again.references)
    assert not np.array_equal(first.references, other.references)
    assert first.queries.shape == first.references.shape == (4, 32, 32, 3)


def test_a_batch_larger_than_the_places_is_filled_all_the_same() -> None:
    assert len(PairMaker([place()], PairChoice(), seed=0).batch(0, 6, 16).queries) == 6


def test_small_images_are_in_a_batch_once() -> None:
    """Two crops of the same ground would be each other's negatives."""
    places = [place(name="a" * n, side=160) for n in range(1, 7)]
    maker = PairMaker(places, PairChoice(tile_ground_size_m=150.0), seed=0)
    drawn = maker._draw(6, np.random.default_rng(0))
    assert len({each.place.name for each in drawn}) == 6


def test_ground_that_is_turned_otherwise_counts_as_another_place() -> None:
    """A map of four tiles fills a batch of twelve without two crops of one ground and one turn."""
    maker = PairMaker(
        [place(side=400)], PairChoice(tile_ground_size_m=150.0), seed=0, turns_apart=True
    )
    drawn = maker._draw(12, np.random.default_rng(0))
    for number, one in enumerate(drawn):
        for other in drawn[:number]:
            away = max(abs(one.crop.x - other.crop.x), abs(one.crop.y - other.crop.y))
            assert one.symmetry != other.symmetry or away > 0.8 * one.crop.side


def test_tiles_of_a_patchy_place_show_ground() -> None:
    image = coordinates()
    image[:, : image.shape[1] // 2] = 0
    patchy = replace(place(), dates=(image,), is_patchy=True)
    maker = PairMaker([patchy], PairChoice(tile_ground_size_m=60.0), seed=0)
    shown = [shown_share(image, each.crop) for each in maker._draw(8, np.random.default_rng(0))]
    assert min(shown) >= 0.6


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_disturbing_keeps_shape_and_kind(strength: float) -> None:
    image = coordinates()[:40, :40]
    for seed in range(30):
        changed = disturb(image, np.random.default_rng(seed), strength=strength)
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        if strength == 0.0:
            assert np.abs(changed.astype(int) - image).max() <= 1
